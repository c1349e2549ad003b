import type { MapDeclaration, SettingDeclaration } from "../hir/tree.ts";
import { type EncodedRules, encodeRules } from "./encode-rules.ts";
import { halvesOffset, mostWords, type RuleLayout, rootOffset, ruleLayout, slackOf } from "./rule-layout.ts";

/** A map that the compiler makes for rules as data: which, and what fits into it without another program. */
export interface RuleData {
  /** The list setting whose rules it holds. */
  readonly setting: string;
  /** Bytes of each half. */
  readonly half: number;
  /** Rounds of the walk's loop. */
  readonly steps: number;
  readonly contents: Uint8Array;
  /** See `Forest.separating`. */
  readonly separating: readonly number[];
}

/** The verifier keeps every branch of a loop it has not come back to: 8192 at most (BPF_COMPLEXITY_LIMIT_JMP_SEQ). */
const mostSteps = 1024;
const fewestSteps = 32;
const smallestHalf = 16 * 1024;
/** The largest value of an array before Linux 6.11 (KMALLOC_MAX_SIZE in array_map_alloc_check), less a page. */
const usualLimit = 4 * 1024 * 1024 - 4096;
/** BPF_F_MMAPABLE: the host writes rules into the map's memory. */
const mmapable = 1 << 10;

/** The map for a list of rules; undefined for rules that data cannot hold: then they become code. */
export function ruleDataMap(
  settings: readonly SettingDeclaration[],
  setting: number,
  at: number,
): MapDeclaration | undefined {
  const declaration = settings[setting]!;
  const layout = ruleLayout(settings, setting);
  if (layout.words.length > mostWords) return undefined;
  const encoded = encodeRules(settings, setting);
  const steps = roomFor(encoded.steps * 1.5, fewestSteps);
  if (steps > mostSteps) return undefined;
  const half = halfFor(encoded.size, layout);
  const size = valueSize(half, layout);
  const contents = new Uint8Array(size);
  fillHalf(contents, encoded, { half: 0, size: half });
  return {
    name: `${declaration.name}.data`,
    kind: "array",
    key: { kind: "integer", bits: 32, signed: false, order: "native" },
    value: { kind: "bytes", length: size },
    maxEntries: 1,
    flags: mmapable,
    display: { kind: "hidden" },
    rules: { setting: declaration.name, half, steps, contents, separating: encoded.separating },
    at,
  };
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

/** Writes rules into a half that no packet looks at, and then lets packets begin there. */
export function fillHalf(
  value: Uint8Array,
  encoded: EncodedRules,
  place: { readonly half: 0 | 1; readonly size: number },
): void {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const root = encoded.write(view, halvesOffset + place.half * place.size);
  // A release store: whoever reads this word sees all that was written before.
  Atomics.store(new Uint32Array(value.buffer, value.byteOffset, 1), rootOffset, root);
}

/** Whether other rules fit into a map that is there. */
export function fits({ half, steps }: RuleData, encoded: EncodedRules): boolean {
  return encoded.size <= half && encoded.steps <= steps;
}
