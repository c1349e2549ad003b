import { IovisorError } from "../../errors.ts";
import { formatExamples, parseFormat } from "./formats.ts";
import { isImmutable, keepImmutable } from "./immutable.ts";
import { formatBits } from "./settings-tree.ts";
import type { Module, SettingType, SettingValue, ValueFormat } from "./tree.ts";
import { type IntegerName, limitsOf } from "./types.ts";

/** What a user or a file gives: JSON values, strings from a command line, or values that were converted before. */
export type GivenValue = unknown;
export type SettingValues = Readonly<Record<string, SettingValue>>;

/** A list or a set without a declared limit takes this many items. */
export const defaultMaxItems = 65536;

/**
 * Values for all settings of a module: those given, converted to their types, and the defaults of the rest.
 *
 * Integers become bigints (decimal and 0x strings are read too), enums stay names, formatted values become bigints or
 * `{ address, length }`, a matcher becomes a bigint, `{ low, high }`, `{ address, length }` or a list of bigints; a
 * matcher that a rule leaves out stays out. A struct may be given in part; the rest of it comes from the default.
 *
 * @throws IovisorError E_SETTING that names every wrong value's path, what was expected and what came.
 */
export function resolveSettings(
  module: Pick<Module, "settings">,
  given: Readonly<Record<string, GivenValue>>,
): SettingValues {
  const problems: string[] = [];
  for (const name of Object.keys(given)) {
    if (!module.settings.some((setting) => setting.name === name))
      problems.push(
        `${name}: no such setting; there is ${module.settings.map((one) => one.name).join(", ") || "none"}`,
      );
  }
  const values = module.settings.map(({ name, type, default: preset }) => {
    const base = convert(type, preset, { path: name, problems });
    const chosen = Object.hasOwn(given, name) ? convert(type, given[name], { path: name, problems, base }) : base;
    return [name, chosen ?? false] as const;
  });
  const different = [...new Set(problems)]; // the two ends of a range are converted one by one
  if (different.length > 0)
    throw new IovisorError(
      "E_SETTING",
      different.length === 1 ? `setting ${different[0]}` : `settings do not fit:\n  ${different.join("\n  ")}`,
      "give a value of the declared type, lists as JSON; `iovisor check FILE` lists the settings",
    );
  return Object.fromEntries(values);
}

/** What is wrong with a value for a setting of this type: `path: expected ..., got ...`, one per fault. */
export function settingProblems(name: string, type: SettingType, value: GivenValue): readonly string[] {
  const problems: string[] = [];
  convert(type, value, { path: name, problems });
  return problems;
}

interface Conversion {
  readonly path: string;
  readonly problems: string[];
  /** What a struct's missing fields come from. */
  readonly base?: SettingValue | undefined;
}

function refuse({ path, problems }: Conversion, expected: string, got: GivenValue): undefined {
  problems.push(`${path}: expected ${expected}, got ${show(got)}`);
  return undefined;
}

function show(value: GivenValue): string {
  if (typeof value === "bigint") return String(value);
  const text =
    JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? String(inner) : inner)) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

function convert(type: SettingType, value: GivenValue, at: Conversion): SettingValue | undefined {
  switch (type.kind) {
    case "integer":
      return integerWithin(type.name, value, at, type.minimum, type.maximum);
    case "bool":
      if (value === true || value === "true") return true;
      return value === false || value === "false" ? false : refuse(at, "true or false", value);
    case "enum": {
      const member = type.members.find(([name, number]) => value === name || value === number);
      return member?.[0] ?? refuse(at, `one of ${type.members.map(([name]) => name).join(", ")}`, value);
    }
    case "formatted":
      return formatted(type.format, value, at);
    case "struct":
      return struct(type, value, at);
    case "list":
    case "set":
      return list(type, value, at);
    case "matcher":
      return matcher(type, value, at);
  }
}

function readInteger(value: GivenValue): bigint | undefined {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  if (typeof value !== "string") return undefined;
  const text = value.replaceAll("_", "");
  if (/^-\d+$/.test(text)) return -BigInt(text.slice(1));
  return /^(\d+|0x[0-9a-f]+)$/i.test(text) && text.length <= 24 ? BigInt(text) : undefined;
}

function integerWithin(
  name: IntegerName,
  value: GivenValue,
  at: Conversion,
  minimum?: bigint,
  maximum?: bigint,
): bigint | undefined {
  const [least, most] = limitsOf(name);
  const low = minimum ?? least;
  const high = maximum ?? most;
  const read = readInteger(value);
  return read !== undefined && read >= low && read <= high
    ? read
    : refuse(at, `a whole number (${name}) from ${low} to ${high}`, value);
}

function isRecord(value: GivenValue): value is Readonly<Record<string, GivenValue>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function formatted(format: ValueFormat, value: GivenValue, at: Conversion): SettingValue | undefined {
  const bits = formatBits[format];
  const block = format === "cidr4" || format === "cidr6";
  const expected = `${format === "mac" ? "a MAC address" : format} such as ${formatExamples[format]}`;
  if (typeof value === "string") {
    const parsed = parseFormat(format, value);
    if (!parsed) return refuse(at, expected, value);
    return block ? { address: parsed.address, length: parsed.length! } : parsed.address;
  }
  if (!block) return isAddress(value, bits) ? (value as bigint) : refuse(at, expected, value);
  if (!isRecord(value)) return refuse(at, expected, value);
  const { address, length } = value;
  if (!isAddress(address, bits) || typeof length !== "bigint" || length < 0n || length > BigInt(bits))
    return refuse(at, expected, value);
  return { address: address as bigint, length };
}

function isAddress(value: GivenValue, bits: number): boolean {
  return typeof value === "bigint" && value >= 0n && value < 1n << BigInt(bits);
}

function struct(type: SettingType & { kind: "struct" }, value: GivenValue, at: Conversion): SettingValue | undefined {
  if (!isRecord(value)) return refuse(at, `an object with ${type.fields.map((field) => field.name).join(", ")}`, value);
  if (at.base !== undefined) return structOf(type, value, at);
  return converted(type, value, at, () => structOf(type, value, at));
}

function structOf(
  type: SettingType & { kind: "struct" },
  value: Readonly<Record<string, GivenValue>>,
  at: Conversion,
): SettingValue | undefined {
  for (const name of Object.keys(value)) {
    if (!type.fields.some((field) => field.name === name))
      at.problems.push(`${at.path}.${name}: no such field; there is ${type.fields.map((one) => one.name).join(", ")}`);
  }
  const base = isRecord(at.base) ? (at.base as Readonly<Record<string, SettingValue>>) : {};
  const entries: (readonly [string, SettingValue])[] = [];
  for (const field of type.fields) {
    const given = Object.hasOwn(value, field.name) ? value[field.name] : undefined;
    const preset = Object.hasOwn(base, field.name) ? base[field.name] : undefined;
    const inner = { path: `${at.path}.${field.name}`, problems: at.problems, base: preset };
    const chosen = given === undefined ? preset : convert(field.type, given, inner);
    if (chosen !== undefined) entries.push([field.name, chosen]);
    else if (given === undefined && field.type.kind !== "matcher") at.problems.push(`${inner.path}: is missing`);
  }
  return Object.fromEntries(entries);
}

function list(
  type: SettingType & { kind: "list" | "set" },
  value: GivenValue,
  at: Conversion,
): SettingValue | undefined {
  if (!Array.isArray(value)) return refuse(at, "a list in brackets", value);
  return converted(type, value, at, () => listOf(type, value, at));
}

/** By type, what values that cannot change were converted to. */
const known = new WeakMap<SettingType, WeakMap<object, SettingValue>>();

/** Converts a value that was converted before at once: most of a long list is what it was. */
function converted(
  type: SettingType,
  value: object,
  at: Conversion,
  convertNow: () => SettingValue | undefined,
): SettingValue | undefined {
  if (!isImmutable(value)) return convertNow();
  const ofType = known.get(type) ?? new WeakMap<object, SettingValue>();
  known.set(type, ofType);
  const found = ofType.get(value);
  if (found !== undefined) return found;
  const before = at.problems.length;
  const made = convertNow();
  if (made === undefined || at.problems.length > before) return made;
  ofType.set(value, keepImmutable(made));
  return made;
}

function listOf(
  type: SettingType & { kind: "list" | "set" },
  value: readonly GivenValue[],
  at: Conversion,
): SettingValue | undefined {
  const limit = type.maxItems ?? defaultMaxItems;
  if (value.length > limit) return refuse(at, `at most ${limit} items`, value.length);
  const items = value.map((item, index) =>
    convert(type.element, item, { path: `${at.path}[${index}]`, problems: at.problems }),
  );
  if (items.includes(undefined)) return undefined;
  const known = items as SettingValue[];
  if (type.kind === "list") return known;
  const seen = new Set<string>();
  return known.filter((item) => !seen.has(show(item)) && seen.add(show(item)));
}

type MatcherType = SettingType & { kind: "matcher" };

function matcher(type: MatcherType, value: GivenValue, at: Conversion): SettingValue | undefined {
  switch (type.matcher) {
    case "exact":
      return matched(type, value, at);
    case "set":
      if (!Array.isArray(value)) return refuse(at, "a list of values", value);
      return list({ kind: "set", element: { ...type, matcher: "exact" } }, value, at);
    case "range":
      return range(type, value, at);
    case "prefix":
      return prefix(type, value, at);
  }
}

/** One value that a matcher's subject is compared with: the address of a format, or an integer. */
function matched(type: MatcherType, value: GivenValue, at: Conversion): bigint | undefined {
  if (!type.format) return integerWithin(type.name, value, at);
  const read = formatted(addressFormat(type.format), value, at);
  return typeof read === "bigint" ? read : undefined;
}

function addressFormat(format: ValueFormat): ValueFormat {
  return format === "cidr4" ? "ipv4" : format === "cidr6" ? "ipv6" : format;
}

function range(type: MatcherType, value: GivenValue, at: Conversion): SettingValue | undefined {
  const ends = typeof value === "string" && !type.format ? /^(\w+)-(\w+)$/.exec(value) : undefined;
  const given: readonly GivenValue[] = ends
    ? [ends[1], ends[2]]
    : isRecord(value)
      ? [value["low"], value["high"]]
      : [value, value];
  const low = matched(type, given[0], at);
  const high = matched(type, given[1], at);
  if (low === undefined || high === undefined) return undefined;
  return low <= high ? { low, high } : refuse(at, "a range whose end is not below its start", value);
}

function prefix(type: MatcherType, value: GivenValue, at: Conversion): SettingValue | undefined {
  const format = type.format === "ipv4" ? "cidr4" : type.format === "ipv6" ? "cidr6" : type.format;
  if (format === "cidr4" || format === "cidr6") {
    const block = formatted(format, value, at);
    if (!isRecord(block)) return undefined;
    return masked(block["address"] as bigint, block["length"] as bigint, formatBits[format]);
  }
  const bits = format ? formatBits[format] : Number(type.name.slice(1));
  if (!isRecord(value)) return refuse(at, "{ address, length }", value);
  const address = matched(type, value["address"], at);
  const length = readInteger(value["length"]);
  if (address === undefined) return undefined;
  if (length === undefined || length < 0n || length > BigInt(bits))
    return refuse(at, `a length of 0 to ${bits}`, value);
  return masked(BigInt.asUintN(bits, address), length, bits);
}

/** Bits behind the prefix never matter to a matcher. */
function masked(address: bigint, length: bigint, bits: number): SettingValue {
  const host = BigInt(bits) - length;
  return { address: (address >> host) << host, length };
}
