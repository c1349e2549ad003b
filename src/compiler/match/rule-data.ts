import type { MapDeclaration, SettingDeclaration } from "../hir/tree.ts";
import { type EncodedRules, encodeRules } from "./encode-rules.ts";
import { halvesOffset, mostWords, type RuleLayout, rootOffset, ruleLayout, slackOf } from "./rule-layout.ts";

/** What a program that walks rules depends on: rules that fit need no other one. */
export interface RuleShape {
  /** Bytes of each half. */
  readonly half: number;
  /** Rounds of the walk's loop. */
  readonly steps: number;
  /** See `Forest.separating`. */
  readonly separating: readonly number[];
}

/** A map that the compiler makes for rules as data: which, and what fits into it without another program. */
export interface RuleData extends RuleShape {
  /** The list setting whose rules it holds. */
  readonly setting: string;
  readonly contents: Uint8Array;
}

/** Rules of a list, built for a map of some shape. */
export interface RulePlan {
  readonly encoded: EncodedRules;
  readonly shape: RuleShape;
}

/** The verifier keeps every branch of a loop it has not come back to: 8192 at most (BPF_COMPLEXITY_LIMIT_JMP_SEQ). */
const mostSteps = 1024;
const fewestSteps = 32;
const smallestHalf = 16 * 1024;
/** The largest value of an array before Linux 6.11 (KMALLOC_MAX_SIZE in array_map_alloc_check), less a page. */
const usualLimit = 4 * 1024 * 1024 - 4096;
/** BPF_F_MMAPABLE: the host writes rules into the map's memory. */
const mmapable = 1 << 10;

/**
 * Builds the rules of a list; undefined for rules that data cannot hold: then they become code.
 *
 * @param before the shape of a map that there is: kept where the rules fit into it.
 */
export function planRules(
  settings: readonly SettingDeclaration[],
  setting: number,
  before?: RuleShape,
): RulePlan | undefined {
  const layout = ruleLayout(settings, setting);
  if (layout.words.length > mostWords) return undefined;
  if (before?.separating.every((word) => word < layout.words.length)) {
    const encoded = encodeRules(settings, setting, before.separating);
    if (fits(before, encoded)) return { encoded, shape: before };
  }
  const encoded = encodeRules(settings, setting);
  const steps = roomFor(encoded.steps * 1.5, fewestSteps);
  if (steps > mostSteps) return undefined;
  return { encoded, shape: { half: halfFor(encoded.size, layout), steps, separating: encoded.separating } };
}

/** A map's value with the rules in its first half. */
export function ruleContents(layout: RuleLayout, { encoded, shape }: RulePlan): Uint8Array {
  const contents = new Uint8Array(valueSize(shape.half, layout));
  fillHalf(contents, encoded, { half: 0, size: shape.half });
  return contents;
}

/** The map for a list of rules. */
export function ruleDataMap(settings: readonly SettingDeclaration[], setting: number, plan: RulePlan): MapDeclaration {
  const declaration = settings[setting]!;
  const contents = ruleContents(ruleLayout(settings, setting), plan);
  return {
    name: ruleMapName(declaration.name),
    kind: "array",
    key: { kind: "integer", bits: 32, signed: false, order: "native" },
    value: { kind: "bytes", length: contents.length },
    maxEntries: 1,
    flags: mmapable,
    display: { kind: "hidden" },
    rules: { setting: declaration.name, ...plan.shape, contents },
    at: declaration.at,
  };
}

/** The name of the map for the rules of a setting. */
export function ruleMapName(setting: string): string {
  return `${setting}.data`;
}

/** The first byte behind the halves: no node begins there or behind. */
export function endOfHalves({ half }: Pick<RuleData, "half">): number {
  return halvesOffset + 2 * half;
}

function valueSize(half: number, layout: RuleLayout): number {
  return endOfHalves({ half }) + slackOf(layout);
}

/** Powers of two from some least: small changes of the rules keep it. */
function roomFor(needed: number, least: number): number {
  return Math.max(least, 2 ** Math.ceil(Math.log2(Math.max(needed, 1))));
}

/** Room for a third more rules, except where only less fits into a value. */
function halfFor(needed: number, layout: RuleLayout): number {
  const roomy = roomFor(needed * 1.33, smallestHalf);
  if (valueSize(roomy, layout) <= usualLimit) return roomy;
  const largest = Math.floor((usualLimit - halvesOffset - slackOf(layout)) / 16) * 8;
  return needed <= largest ? largest : roomy;
}

/** One of the two places for rules in a value. */
export interface HalfPlace {
  readonly half: 0 | 1;
  readonly size: number;
}

/** Writes rules into a half that no packet looks at, and then lets packets begin there. */
export function fillHalf(value: Uint8Array, encoded: EncodedRules, place: HalfPlace): void {
  beginAt(value, writeHalf(value, encoded, place));
}

/** Writes rules into a half that no packet looks at; gives the root for packets to begin at. */
export function writeHalf(value: Uint8Array, encoded: EncodedRules, { half, size }: HalfPlace): number {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  return encoded.write(view, halvesOffset + half * size);
}

/** Lets packets begin at a root. A release store: whoever reads this word sees all that was written before. */
export function beginAt(value: Uint8Array, root: number): void {
  Atomics.store(new Uint32Array(value.buffer, value.byteOffset, 1), rootOffset, root);
}

/** Whether other rules fit into a map that is there. */
export function fits({ half, steps }: RuleShape, encoded: EncodedRules): boolean {
  return encoded.size <= half && encoded.steps <= steps;
}
