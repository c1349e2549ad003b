import type { Position } from "../position.ts";
import type { MatchExpression, SettingType, SettingValue } from "../tree.ts";
import { evaluate } from "./expressions.ts";
import type { Machine } from "./machine.ts";
import { asMemory, type Value } from "./values.ts";

type Matcher = SettingType & { readonly kind: "matcher" };
type Rule = { readonly [name: string]: SettingValue };

/**
 * The index of the first rule of a list whose matchers all accept their subjects, or of the first member of a set that
 * accepts its only subject; undefined when there is none.
 */
export function firstMatch(node: MatchExpression, machine: Machine): bigint | undefined {
  const setting = machine.module.settings.find((one) => one.name === node.setting);
  const type = setting?.type;
  const subjects = node.subjects.map((subject) => ({
    field: subject.field,
    value: subjectValue(evaluate(subject.value, machine), node.at),
  }));
  // The rules that a specialised module has in a set's place are values of the module alone.
  const items = (machine.settings[node.setting] ?? setting?.default ?? []) as readonly SettingValue[];
  const found = items.findIndex((item) => subjects.every(({ field, value }) => itemAccepts(type, item, field, value)));
  return found < 0 ? undefined : BigInt(found);
}

/** A rule accepts what it does not mention. */
function itemAccepts(type: SettingType | undefined, item: SettingValue, field: string, value: bigint): boolean {
  if (type?.kind === "set") return accepts(type.element as Matcher, item, value);
  const element = type?.kind === "list" && type.element.kind === "struct" ? type.element : undefined;
  const matcher = element?.fields.find((one) => one.name === field)?.type as Matcher;
  const rule = item as Rule;
  return !Object.hasOwn(rule, field) || accepts(matcher, rule[field]!, value);
}

/** A reference to 16 bytes is an IPv6 address: one integer in network order. */
function subjectValue(value: Value, at: Position): bigint {
  if (typeof value === "bigint") return value;
  const { storage, offset } = asMemory(value, at);
  return storage.bytes.subarray(offset, offset + 16).reduce((address, byte) => (address << 8n) | BigInt(byte), 0n);
}

/** Whether a rule's matcher, as `resolveSettings` converts it, accepts a value. */
export function accepts(matcher: Matcher, wanted: SettingValue, value: bigint): boolean {
  switch (matcher.matcher) {
    case "exact":
      return value === wanted;
    case "set":
      return (wanted as readonly bigint[]).includes(value);
    case "range": {
      const { low, high } = wanted as { low: bigint; high: bigint };
      return value >= low && value <= high;
    }
    case "prefix": {
      const { address, length } = wanted as { address: bigint; length: bigint };
      const host = BigInt(matcherBits(matcher)) - length;
      return BigInt.asUintN(matcherBits(matcher), value) >> host === address >> host;
    }
  }
}

/** How many bits a matcher's values have. */
export function matcherBits(matcher: Matcher): number {
  if (matcher.format === "ipv6" || matcher.format === "cidr6") return 128;
  if (matcher.format === "mac") return 48;
  return matcher.format ? 32 : Number(matcher.name.slice(1));
}
