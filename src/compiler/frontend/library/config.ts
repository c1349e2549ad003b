import type ts from "typescript";
import { messages } from "../../diagnostics.ts";
import { formatExamples, parseFormat } from "../../hir/formats.ts";
import { formatBits, formatParts, settingAt } from "../../hir/settings-tree.ts";
import type { SettingType, SettingValue, ValueFormat } from "../../hir/tree.ts";
import { isName } from "../../hir/verify/shape.ts";
import type { Frame } from "../frame.ts";
import {
  type BuiltinValue,
  builtin,
  describe,
  numberConstant,
  type ObjectValue,
  poison,
  type RecordValue,
  runtime,
  type SettingTypeValue,
  type Value,
} from "../values.ts";
import { constantNumber, constantText, options, values } from "./arguments.ts";
import type { Library, LibraryEntry } from "./index.ts";
import { listObject, ruleLibrary, setObject } from "./rules.ts";
import { withDefault } from "./setting-types.ts";

export const configLibrary: Library = {
  config: () => builtin("config", configCall),
  oneOf: () => builtin("oneOf", oneOfCall),
  ipv4: formatted("ipv4"),
  ipv6: formatted("ipv6"),
  mac: formatted("mac"),
  cidr4: formatted("cidr4"),
  cidr6: formatted("cidr6"),
  ...ruleLibrary,
};

/** A format is a setting's type; called with text, it is that value as a constant. */
function formatted(format: ValueFormat): LibraryEntry {
  const type: SettingTypeValue = { kind: "settingType", type: { kind: "formatted", format }, description: "" };
  return () => formattedValue(format, type);
}

function formattedValue(format: ValueFormat, setting: SettingTypeValue): BuiltinValue {
  return {
    kind: "builtin",
    name: format,
    call: (frame, call) => formattedConstant(frame, format, call),
    member: (_, name) => (name === "default" ? withDefault(setting) : undefined),
    setting,
  };
}

function formattedConstant(frame: Frame, format: ValueFormat, call: ts.CallExpression): Value {
  const [given] = values(frame, call) ?? [];
  const text = constantText(frame, given, `an address (${format})`, call);
  if (text === undefined) return poison;
  const parsed = parseFormat(format, text);
  if (!parsed) return frame.fail(call, messages.badSetting(`"${text}" is not of the form ${formatExamples[format]}`));
  if (format === "ipv4") return numberConstant(parsed.address);
  const length = formatBits[format] / 8;
  const items = Array.from({ length }, (_, index) =>
    numberConstant((parsed.address >> BigInt(8 * (length - 1 - index))) & 0xffn),
  );
  return { kind: "list", items };
}

function oneOfCall(frame: Frame, call: ts.CallExpression): Value {
  const given = values(frame, call);
  if (!given) return poison;
  const [first] = given;
  const members = first?.kind === "record" ? numberedNames(frame, first, call) : names(frame, given, call);
  if (!members) return poison;
  if (members.length === 0) return frame.fail(call, messages.badSetting("a choice needs names"));
  const nameless = members.find(([name]) => !isName(name));
  if (nameless) return frame.fail(call, messages.badSetting(`"${nameless[0]}" cannot name a choice`));
  const type: SettingType = { kind: "enum", name: frame.state.hint || "choice", members };
  return { kind: "settingType", type, description: "", named: first?.kind === "string" };
}

type Members = readonly (readonly [string, bigint])[];

function numberedNames(frame: Frame, record: RecordValue, node: ts.Node): Members | undefined {
  const members: (readonly [string, bigint])[] = [];
  for (const [name, value] of record.members) {
    const number = constantNumber(frame, value, `"${name}"`, node);
    if (number === undefined) return undefined;
    members.push([name, BigInt(number)]);
  }
  return members;
}

function names(frame: Frame, given: readonly Value[], node: ts.Node): Members | undefined {
  const members: (readonly [string, bigint])[] = [];
  for (const [index, value] of given.entries()) {
    const text = constantText(frame, value, "a name", node);
    if (text === undefined) return undefined;
    members.push([text, BigInt(index)]);
  }
  return members;
}

function configCall(frame: Frame, call: ts.CallExpression): Value {
  if (frame.inProgram) return frame.fail(call, messages.misplaced("config"));
  const [given] = values(frame, call) ?? [];
  const record = options(frame, given, call);
  if (!record) return poison;
  const { settings } = frame.session;
  for (const [name, value] of record.members) {
    const declared = typeOf(frame, value, name, call);
    if (!declared) return poison;
    if (settings.some((one) => one.name === name)) return frame.fail(call, messages.duplicateName("setting", name));
    settings.push({ name, ...declared, at: frame.at(call) });
  }
  return settingsObject(record, []);
}

interface Declared {
  readonly type: SettingType;
  readonly default: SettingValue;
  readonly description: string;
}

/** A setting, or an object of settings: a struct. */
function typeOf(frame: Frame, value: Value, name: string, node: ts.Node): Declared | undefined {
  if (value.kind === "settingType" && value.default !== undefined)
    return { type: value.type, default: value.default, description: value.description };
  if (value.kind !== "record") {
    const fault = `"${name}" is ${describe(value)}; it needs .default(value, "description")`;
    if (value.kind !== "poison") frame.fail(node, messages.badSetting(fault));
    return undefined;
  }
  const fields: { name: string; type: SettingType; description?: string }[] = [];
  const defaults: Record<string, SettingValue> = {};
  for (const [member, inner] of value.members) {
    const declared = typeOf(frame, inner, `${name}.${member}`, node);
    if (!declared) return undefined;
    if (declared.type.kind === "list" || declared.type.kind === "set") {
      frame.fail(node, messages.badSetting(`"${name}.${member}": lists and sets stand at the top of the settings`));
      return undefined;
    }
    fields.push({ name: member, type: declared.type, description: declared.description });
    defaults[member] = declared.default;
  }
  return { type: { kind: "struct", fields }, default: defaults, description: "" };
}

/** The settings as kernel code sees them. */
function settingsObject(record: RecordValue, path: readonly string[]): ObjectValue {
  return {
    kind: "object",
    what: "the settings",
    member(frame, name, node) {
      const value = record.members.get(name);
      return value && settingValue(frame, value, [...path, name], node);
    },
  };
}

function settingValue(frame: Frame, value: Value, path: readonly string[], node: ts.Node): Value {
  if (value.kind === "record") return settingsObject(value, path);
  if (value.kind !== "settingType") return poison;
  const { type } = value;
  if (type.kind === "list") return listObject(path[0]!, type, value.namedFields ?? new Map());
  if (type.kind === "set") return setObject(path[0]!, type);
  if (type.kind === "enum" && value.named) {
    const scalar = settingScalar(frame, path, node);
    return scalar.kind === "runtime" ? { ...scalar, names: type.members } : scalar;
  }
  if (type.kind !== "formatted") return settingScalar(frame, path, node);
  const parts = Object.keys(formatParts[type.format]);
  if (parts.includes("")) return settingScalar(frame, path, node);
  return {
    kind: "object",
    what: "an address",
    member: (inner, name, place) => (parts.includes(name) ? settingScalar(inner, [...path, name], place) : undefined),
  };
}

function settingScalar(frame: Frame, path: readonly string[], node: ts.Node): Value {
  const found = settingAt(frame.session.settings, path);
  if (!found) return poison;
  const common = { kind: "setting", path, type: found.type, at: frame.at(node) } as const;
  return runtime(found.width ? { ...common, width: found.width } : common);
}
