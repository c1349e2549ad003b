import { formatBits } from "../hir/settings-tree.ts";
import type { SettingType, SettingValue } from "../hir/tree.ts";
import { limitsOf } from "../hir/types.ts";
import type { Box, FieldDomain, Interval } from "./rules.ts";

type Matcher = Extract<SettingType, { readonly kind: "matcher" }>;

/** A matcher of a rule type and the one or two registers that its subject takes. */
export interface MatcherField {
  readonly name: string;
  readonly matcher: Matcher;
  /** Two for a 128-bit address: its high half, then its low half. */
  readonly words: 1 | 2;
}

export interface CompiledRules {
  readonly matchers: readonly MatcherField[];
  /** One per word, in the order of the matchers. */
  readonly fields: readonly FieldDomain[];
  readonly boxes: readonly Box[];
}

const word = (1n << 64n) - 1n;

/** The rules of a list setting as boxes over the words of its matchers. `values` are resolved settings. */
export function compileRules(type: SettingType, values: SettingValue): CompiledRules {
  if (type.kind !== "list" || type.element.kind !== "struct" || !Array.isArray(values)) {
    throw new Error("HIR is not well typed: match wants a list of rules");
  }
  const matchers = type.element.fields.flatMap((field): MatcherField[] =>
    field.type.kind === "matcher"
      ? [{ name: field.name, matcher: field.type, words: bitsOf(field.type) === 128 ? 2 : 1 }]
      : [],
  );
  const fields = matchers.flatMap(domainsOf);
  const boxes = (values as readonly Readonly<Record<string, SettingValue>>[]).flatMap((rule, index) =>
    product(matchers.map((matcher) => accepted(matcher, rule[matcher.name]))).map((intervals) => ({
      rule: index,
      intervals,
    })),
  );
  return { matchers, fields, boxes };
}

function bitsOf(matcher: Matcher): number {
  return matcher.format ? formatBits[matcher.format] : Number(matcher.name.slice(1));
}

function domainsOf({ name, matcher, words }: MatcherField): readonly FieldDomain[] {
  if (words === 2) {
    return [
      { name: `${name}.high`, high: word },
      { name: `${name}.low`, high: word },
    ];
  }
  const high = matcher.format ? (1n << BigInt(bitsOf(matcher))) - 1n : limitsOf(matcher.name)[1];
  return [{ name, high }];
}

/** The alternatives that a rule's matcher accepts, each an interval per word. */
function accepted(field: MatcherField, value: SettingValue | undefined): readonly (readonly Interval[])[] {
  const whole = domainsOf(field).map(({ high }) => ({ low: 0n, high }));
  if (value === undefined) return [whole];
  if (typeof value === "bigint") return [exactly(field, value)];
  if (Array.isArray(value))
    return merged(value as readonly bigint[]).flatMap((interval) => intervalsOf(field, interval));
  const { low, high, address, length } = value as Readonly<Record<string, bigint>>;
  if (low !== undefined && high !== undefined) return intervalsOf(field, { low, high });
  return intervalsOf(field, prefixInterval(address!, length!, bitsOf(field.matcher)));
}

function exactly(field: MatcherField, value: bigint): readonly Interval[] {
  if (field.words === 1) return [{ low: value, high: value }];
  return [value >> 64n, value & word].map((part) => ({ low: part, high: part }));
}

function prefixInterval(address: bigint, length: bigint, bits: number): Interval {
  const host = (1n << (BigInt(bits) - length)) - 1n;
  return { low: address & ~host, high: address | host };
}

/** Neighbouring members of a set as one interval. */
function merged(values: readonly bigint[]): readonly Interval[] {
  const intervals: Interval[] = [];
  for (const value of [...values].sort((a, b) => (a < b ? -1 : 1))) {
    const last = intervals.at(-1);
    if (last && value <= last.high + 1n) intervals[intervals.length - 1] = { low: last.low, high: value };
    else intervals.push({ low: value, high: value });
  }
  return intervals;
}

/** An interval of a 128-bit value as at most three boxes over its halves. */
function intervalsOf(field: MatcherField, { low, high }: Interval): readonly (readonly Interval[])[] {
  if (field.words === 1) return [[{ low, high }]];
  const [lowTop, highTop] = [low >> 64n, high >> 64n];
  const [lowRest, highRest] = [low & word, high & word];
  if (lowTop === highTop) return [[point(lowTop), { low: lowRest, high: highRest }]];
  const boxes: Interval[][] = [];
  const full = { low: 0n, high: word };
  const first = lowRest === 0n ? lowTop : lowTop + 1n;
  const last = highRest === word ? highTop : highTop - 1n;
  if (lowRest !== 0n) boxes.push([point(lowTop), { low: lowRest, high: word }]);
  if (first <= last) boxes.push([{ low: first, high: last }, full]);
  if (highRest !== word) boxes.push([point(highTop), { low: 0n, high: highRest }]);
  return boxes;
}

function point(value: bigint): Interval {
  return { low: value, high: value };
}

function product(alternatives: readonly (readonly (readonly Interval[])[])[]): readonly (readonly Interval[])[] {
  return alternatives.reduce<readonly (readonly Interval[])[]>(
    (boxes, field) => boxes.flatMap((box) => field.map((intervals) => [...box, ...intervals])),
    [[]],
  );
}
