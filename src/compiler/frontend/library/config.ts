import type ts from "typescript";
import { messages } from "../../diagnostics.ts";
import { parseFormat } from "../../hir/formats.ts";
import { formatBits, settingAt } from "../../hir/settings-tree.ts";
import type { SettingDeclaration, SettingType, SettingValue, ValueFormat } from "../../hir/tree.ts";
import type { Frame } from "../frame.ts";
import {
  builtin,
  type BuiltinValue,
  describe,
  type LayoutValue,
  numberConstant,
  type ObjectValue,
  poison,
  type RecordValue,
  type SettingTypeValue,
  type Value,
} from "../values.ts";
import { constantText, options, values } from "./arguments.ts";
import type { Library, LibraryEntry } from "./index.ts";
import { listSetting, matcherLibrary, setObject } from "./rules.ts";
import { withDefault } from "./setting-types.ts";

export const configLibrary: Library = {
  config: () => builtin("config", configCall),
  oneOf: () => builtin("oneOf", oneOfCall),
  ipv4: formatted("ipv4"),
  ipv6: formatted("ipv6"),
  mac: formatted("mac"),
  cidr4: formatted("cidr4"),
  cidr6: formatted("cidr6"),
  ...matcherLibrary,
};

/** A format is a setting's type; called with text, it is that value as a constant. */
function formatted(format: ValueFormat): LibraryEntry {
  const type: SettingTypeValue = { kind: "settingType", type: { kind: "formatted", format }, description: "" };
  return () => formattedValue(format, type);
}

export function formattedValue(format: ValueFormat, type: SettingTypeValue): BuiltinValue {
  return builtin(
    format,
    (frame, call) => formattedConstant(frame, format, call),
    (_, name) => (name === "default" ? withDefault(type) : undefined),
  );
}

function formattedConstant(frame: Frame, format: ValueFormat, call: ts.CallExpression): Value {
  const [given] = values(frame, call) ?? [];
  const text = constantText(frame, given, `an address (${format})`, call);
  const parsed = text === undefined ? undefined : parseFormat(format, text);
  if (text === undefined) return poison;
  if (!parsed) return frame.fail(call, messages.badSetting(`"${text}" is not an ${format} value`));
  if (format === "ipv4") return numberConstant(parsed.address);
  const length = formatBits[format] / 8;
  const items = Array.from({ length }, (_, index) =>
    numberConstant((parsed.address >> BigInt(8 * (length - 1 - index))) & 0xffn),
  );
  return bytesConstant(frame, items, call);
}

function bytesConstant(frame: Frame, items: readonly Value[], node: ts.Node): Value {
  void frame;
  void node;
  return { kind: "list", items };
}

function oneOfCall(frame: Frame, call: ts.CallExpression): Value {
  const given = values(frame, call);
  if (!given) return poison;
  const [first] = given;
  const name = frame.state.hint;
  const members: (readonly [string, bigint])[] = [];
  if (first?.kind === "record") {
    for (const [member, value] of first.members) {
      if (value.kind !== "constant" || value.type !== "number") return frame.fail(call, messages.notConstant(`"${member}"`));
      members.push([member, value.value as bigint]);
    }
  } else {
    for (const [index, value] of given.entries()) {
      if (value.kind !== "string") return frame.fail(call, messages.unexpectedValue("names", describe(value)));
      members.push([value.text, BigInt(index)]);
    }
  }
  if (members.length === 0) return frame.fail(call, messages.badSetting("a choice needs names"));
  const type: SettingType = { kind: "enum", name, members };
  const value: SettingTypeValue = { kind: "settingType", type, description: "", named: first?.kind === "string" };
  return choiceValue(value);
}

/** A choice: `default` makes a setting of it, and a rule takes it as it is. */
function choiceValue(type: SettingTypeValue): Value {
  return { ...type, default: undefined } as unknown as Value;
}

function configCall(frame: Frame, call: ts.CallExpression): Value {
  if (frame.inProgram) return frame.fail(call, messages.misplaced("config"));
  const [given] = values(frame, call) ?? [];
  const record = options(frame, given, call);
  if (!record) return poison;
  const { settings } = frame.session;
  for (const [name, value] of record.members) {
    const declaration = declare(frame, name, value, call);
    if (!declaration) return poison;
    if (settings.some((one) => one.name === name)) return frame.fail(call, messages.duplicateName("setting", name));
    settings.push(declaration);
  }
  return settingsObject(record, []);
}
