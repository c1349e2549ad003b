import { isImmutable } from "../hir/immutable.ts";
import { formatBits } from "../hir/settings-tree.ts";
import type { SettingType, SettingValue } from "../hir/tree.ts";
import type { Box, FieldDomain, Interval } from "./rules.ts";

type Matcher = Extract<SettingType, { readonly kind: "matcher" }>;

/** A matcher of a rule type and the words that its subject takes, most significant first. */
export interface MatcherField {
  readonly name: string;
  readonly matcher: Matcher;
  readonly bits: number;
  /** What is added to values and subjects, so that signed ones keep their order as unsigned words. */
  readonly bias: bigint;
  /** Bits of each word. */
  readonly words: readonly number[];
}

export interface CompiledRules {
  readonly matchers: readonly MatcherField[];
  /** One per word, in the order of the matchers. */
  readonly fields: readonly FieldDomain[];
  readonly boxes: readonly Box[];
}

type BigInterval = { readonly low: bigint; readonly high: bigint };
type Rule = Readonly<Record<string, SettingValue>>;

/** The matchers of a list's rules. */
export function matchersOf(type: SettingType): readonly MatcherField[] {
  if (type.kind !== "list" || type.element.kind !== "struct") {
    throw new Error("HIR is not well typed: match wants a list of rules");
  }
  return type.element.fields.flatMap((field): MatcherField[] => {
    if (field.type.kind !== "matcher") return [];
    const bits = bitsOf(field.type);
    const bias = field.type.name.startsWith("i") ? 1n << BigInt(bits - 1) : 0n;
    return [{ name: field.name, matcher: field.type, bits, bias, words: wordsOf(bits) }];
  });
}

function bitsOf(matcher: Matcher): number {
  return matcher.format ? formatBits[matcher.format] : Number(matcher.name.slice(1));
}

/** Words of 32 bits from the low end; what remains is the first one. */
function wordsOf(bits: number): readonly number[] {
  const whole = Math.floor(bits / 32);
  const rest = bits % 32;
  return [...(rest > 0 ? [rest] : []), ...Array<number>(whole).fill(32)];
}

/** The words of all matchers. */
export function domainsOf(matchers: readonly MatcherField[]): readonly FieldDomain[] {
  return matchers.flatMap(({ name, words }) =>
    words.map((bits, index) => ({ name: words.length === 1 ? name : `${name}.${index}`, high: 2 ** bits - 1 })),
  );
}

/** The rules of a list setting as boxes over the words of its matchers. `values` are resolved settings. */
export function compileRules(type: SettingType, values: SettingValue): CompiledRules {
  const matchers = matchersOf(type);
  const wholes = matchers.map(({ words }) => words.map((bits) => ({ low: 0, high: 2 ** bits - 1 })));
  const compile = (rule: Rule): Alternatives =>
    product(
      matchers.map((matcher, at) => {
        const value = rule[matcher.name];
        return value === undefined ? [wholes[at]!] : accepted(matcher, value);
      }),
    );
  const known = knownRules.get(type) ?? new WeakMap<Rule, Alternatives>();
  knownRules.set(type, known);
  const boxes: Box[] = [];
  const rules = values as readonly Rule[];
  for (let index = 0; index < rules.length; index++) {
    const rule = rules[index]!;
    let alternatives = known.get(rule);
    if (!alternatives) {
      alternatives = compile(rule);
      if (isImmutable(rule)) known.set(rule, alternatives);
    }
    for (const intervals of alternatives) boxes.push({ rule: index, intervals });
  }
  return { matchers, fields: domainsOf(matchers), boxes };
}

type Alternatives = readonly (readonly Interval[])[];

/** By type, what rules that cannot change are compiled to: most of a long list is what it was. */
const knownRules = new WeakMap<SettingType, WeakMap<Rule, Alternatives>>();

/** The alternatives that a rule's matcher accepts, each an interval per word. */
function accepted(field: MatcherField, value: SettingValue): readonly (readonly Interval[])[] {
  const { bias, words } = field;
  if (typeof value === "bigint") return intervalsOf(words, { low: value + bias, high: value + bias });
  if (Array.isArray(value)) {
    const intervals = merged(value as readonly bigint[]);
    return intervals.flatMap(({ low, high }) => intervalsOf(words, { low: low + bias, high: high + bias }));
  }
  const { low, high, address, length } = value as Readonly<Record<string, bigint>>;
  if (low !== undefined && high !== undefined) return intervalsOf(words, { low: low + bias, high: high + bias });
  return intervalsOf(words, prefixInterval(address!, length!, field.bits));
}

function prefixInterval(address: bigint, length: bigint, bits: number): BigInterval {
  const host = (1n << (BigInt(bits) - length)) - 1n;
  return { low: address & ~host, high: address | host };
}

/** Neighbouring members of a set as one interval. */
function merged(values: readonly bigint[]): readonly BigInterval[] {
  const intervals: BigInterval[] = [];
  for (const value of [...values].sort((a, b) => (a < b ? -1 : 1))) {
    const last = intervals.at(-1);
    if (last && value <= last.high + 1n) intervals[intervals.length - 1] = { low: last.low, high: value };
    else intervals.push({ low: value, high: value });
  }
  return intervals;
}

/**
 * An interval of a value of several words as boxes over them: one for a prefix or a single value, at most two for each
 * word behind the first and one more for others.
 */
function intervalsOf(words: readonly number[], { low, high }: BigInterval): readonly (readonly Interval[])[] {
  if (words.length === 1) return [[{ low: Number(low), high: Number(high) }]];
  const rest = words.slice(1);
  const below = BigInt(rest.reduce((sum, bits) => sum + bits, 0));
  const most = (1n << below) - 1n;
  const [top, end] = [low >> below, high >> below];
  const [bottom, ceiling] = [low & most, high & most];
  if (top === end) return behind(top, top, intervalsOf(rest, { low: bottom, high: ceiling }));
  const first = bottom === 0n ? top : top + 1n;
  const last = ceiling === most ? end : end - 1n;
  return [
    ...(bottom === 0n ? [] : behind(top, top, intervalsOf(rest, { low: bottom, high: most }))),
    ...(first <= last ? behind(first, last, intervalsOf(rest, { low: 0n, high: most })) : []),
    ...(ceiling === most ? [] : behind(end, end, intervalsOf(rest, { low: 0n, high: ceiling }))),
  ];
}

function behind(low: bigint, high: bigint, boxes: readonly (readonly Interval[])[]): readonly (readonly Interval[])[] {
  return boxes.map((box) => [{ low: Number(low), high: Number(high) }, ...box]);
}

function product(alternatives: readonly (readonly (readonly Interval[])[])[]): readonly (readonly Interval[])[] {
  if (alternatives.every(({ length }) => length === 1)) {
    const only: Interval[] = [];
    for (const [intervals] of alternatives) only.push(...intervals!);
    return [only];
  }
  return alternatives.reduce<readonly (readonly Interval[])[]>(
    (boxes, field) => boxes.flatMap((box) => field.map((intervals) => [...box, ...intervals])),
    [[]],
  );
}
