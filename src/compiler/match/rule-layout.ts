import type { SettingDeclaration } from "../hir/tree.ts";
import { domainsOf, matchersOf } from "./compile-rules.ts";
import { type PlainShape, plainShapesOf } from "./plain-fields.ts";

/**
 * Rules as data, in the only value of an array map:
 *
 *     0    where the first tree of the rules in force begins: the one word that changes them
 *     64   one half, then the other: each holds all that belongs to one list of rules
 *
 * Places are bytes from the start of the value. Every node begins alike, so that the walk reads one form:
 *
 *     cut:     origin u32, -, word * 8 u8, shift u8, last child u16, place for other values u32, children's places u32
 *     record:  rule's place u32, where to go on when it matches u32, 255 u8, -, -, where to go on else u32, intervals
 *     rule:    index u32, plain fields
 */
export const rootOffset = 0;
export const halvesOffset = 64;
export const nodeAt = { value: 0, next: 4, kind: 8, shift: 9, last: 10, other: 12 } as const;
export const nodeSize = 16;
export const recordKind = 255;

/** A place outside of every value: the walk is at its end. Also what it gives when no rule matched. */
export const nowhere = 0xffff_ffff;

export interface RuleLayout {
  /** Of each word's interval in a record: its low end; the high end follows. */
  readonly words: readonly { readonly offset: number; readonly size: 1 | 2 | 4 }[];
  readonly recordSize: number;
  readonly plain: ReadonlyMap<number, { readonly offset: number } & Pick<PlainShape, "size" | "signed">>;
  readonly ruleSize: number;
}

/** How many words a walk can choose from: their kinds are below that of a record. */
export const mostWords = 16;

/** Depends on the type of the rules alone, so that other contents need no other code. */
export function ruleLayout(settings: readonly SettingDeclaration[], setting: number): RuleLayout {
  const { type } = settings[setting]!;
  const sizes = domainsOf(matchersOf(type)).map(({ high }) => (high > 0xffff ? 4 : high > 0xff ? 2 : 1));
  const offsets = Array<number>(sizes.length);
  let recordSize = nodeSize;
  for (const wanted of [4, 2, 1]) {
    for (const [word, size] of sizes.entries()) {
      if (size !== wanted) continue;
      offsets[word] = recordSize;
      recordSize += 2 * size;
    }
  }
  const plain = new Map<number, { readonly offset: number } & Pick<PlainShape, "size" | "signed">>();
  let ruleSize = 4;
  for (const { field, size, signed } of plainShapesOf(settings, setting).toReversed()) {
    const offset = Math.ceil(ruleSize / size) * size;
    plain.set(field, { offset, size, signed });
    ruleSize = offset + size;
  }
  const whole = (size: number) => Math.ceil(size / 8) * 8;
  const words = sizes.map((size, word) => ({ offset: offsets[word]!, size: size as 1 | 2 | 4 }));
  return { words, recordSize: whole(recordSize), plain, ruleSize: whole(ruleSize) };
}

/** Bytes behind the halves, so that what begins in them ends in the value. */
export function slackOf({ recordSize, ruleSize }: RuleLayout): number {
  return Math.max(recordSize, ruleSize);
}
