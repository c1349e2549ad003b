import type ts from "typescript";
import { messages } from "../../diagnostics.ts";
import type { SettingType } from "../../hir/tree.ts";
import { numberType, optionalType } from "../../hir/types.ts";
import * as build from "../build.ts";
import type { Frame } from "../frame.ts";
import { builtin, describe, type ObjectValue, poison, runtime, type SettingTypeValue, type Value } from "../values.ts";
import { constantText, numberOption, options, values } from "./arguments.ts";
import type { Library, LibraryEntry } from "./index.ts";
import { subjectOf } from "./match.ts";
import { settingTypeOf } from "./setting-types.ts";

type MatcherType = SettingType & { readonly kind: "matcher" };

export const ruleLibrary: Library = {
  exact: matcher("exact"),
  between: matcher("range"),
  prefix: matcher("prefix"),
  anyOf: matcher("set"),
  rule: () => builtin("rule", ruleCall),
  list: () => builtin("list", listCall),
  set: () => builtin("set", setCall),
};

/** The type of a setting, where a rule wants a plain field. */
function plainType(value: Value): SettingTypeValue | undefined {
  if (value.kind === "settingType") return value;
  if (value.kind === "builtin") return value.setting;
  const type = value.kind === "layout" ? settingTypeOf(value) : undefined;
  return type && { kind: "settingType", type, description: "" };
}

function matcher(kind: MatcherType["matcher"]): LibraryEntry {
  return () =>
    builtin(kind, (frame, call) => {
      const [of] = values(frame, call) ?? [];
      if (!of) return poison;
      const type = plainType(of)?.type;
      if (type?.kind === "integer") return matcherValue({ kind: "matcher", matcher: kind, name: type.name });
      if (type?.kind !== "formatted") return frame.fail(call, messages.badSetting(`it cannot match ${describe(of)}`));
      const { format } = type;
      const block = format === "cidr4" || format === "cidr6";
      if (block !== (kind === "prefix"))
        return frame.fail(
          call,
          messages.badSetting(block ? "blocks are for prefix()" : "prefix() is for cidr4 and cidr6"),
        );
      const name = format === "ipv4" || format === "cidr4" ? "u32" : "u64";
      return matcherValue({ kind: "matcher", matcher: kind, name, format });
    });
}

function matcherValue(type: MatcherType): SettingTypeValue {
  return { kind: "settingType", type, description: "" };
}

function ruleCall(frame: Frame, call: ts.CallExpression): Value {
  const [given] = values(frame, call) ?? [];
  const record = options(frame, given, call);
  if (!record) return poison;
  const fields: { name: string; type: SettingType }[] = [];
  const named = new Map<string, boolean>();
  for (const [name, value] of record.members) {
    const plain = plainType(value);
    if (!plain) return frame.fail(call, messages.badSetting(`the rule's field "${name}" is ${describe(value)}`));
    fields.push({ name, type: plain.type });
    named.set(name, plain.named === true);
  }
  return { kind: "settingType", type: { kind: "struct", fields }, description: "", namedFields: named };
}

/** The description and options behind the element of a list or set. */
function collection(frame: Frame, rest: readonly Value[], node: ts.Node) {
  const description = rest[0] ? constantText(frame, rest[0], "a description", node) : "";
  const record = rest[1] && options(frame, rest[1], node);
  const maxItems = record?.members.has("maxItems") ? numberOption(frame, record, "maxItems", node) : undefined;
  return description === undefined ? undefined : { description, limit: maxItems === undefined ? {} : { maxItems } };
}

function listCall(frame: Frame, call: ts.CallExpression): Value {
  const [of, ...rest] = values(frame, call) ?? [];
  if (of?.kind !== "settingType" || of.type.kind !== "struct")
    return of ? frame.fail(call, messages.badSetting("a list is one of rules: list(rule({ ... }))")) : poison;
  const more = collection(frame, rest, call);
  if (!more) return poison;
  const type: SettingType = { kind: "list", element: of.type, ...more.limit };
  const common = { kind: "settingType", type, default: [], description: more.description } as const;
  return of.namedFields ? { ...common, namedFields: of.namedFields } : common;
}

function setCall(frame: Frame, call: ts.CallExpression): Value {
  const [of, ...rest] = values(frame, call) ?? [];
  if (of?.kind !== "settingType" || of.type.kind !== "matcher")
    return of ? frame.fail(call, messages.badSetting("a set is one of matchers: set(exact(u16))")) : poison;
  const more = collection(frame, rest, call);
  if (!more) return poison;
  const type: SettingType = { kind: "set", element: of.type, ...more.limit };
  return { kind: "settingType", type, default: [], description: more.description };
}

/** A list of rules, for `match`. */
export function listObject(
  setting: string,
  type: SettingType & { readonly kind: "list" },
  namedFields: ReadonlyMap<string, boolean>,
): ObjectValue {
  const fields = type.element.kind === "struct" ? type.element.fields : [];
  return { kind: "object", what: "a list of rules", member: () => undefined, rules: { setting, fields, namedFields } };
}

/** A set of values: `has`. */
export function setObject(setting: string, type: SettingType & { readonly kind: "set" }): ObjectValue {
  const has = builtin("has", (frame, call) => {
    if (!frame.inProgram) return frame.fail(call, messages.runtimeAtModuleScope("a set"));
    const [given] = values(frame, call) ?? [];
    if (!given || type.element.kind !== "matcher") return poison;
    const value = subjectOf(frame, given, type.element, call.arguments[0]!);
    if (!value) return poison;
    const at = frame.at(call);
    const found = {
      kind: "match",
      setting,
      subjects: [{ field: "", value }],
      type: optionalType(numberType),
      at,
    } as const;
    return runtime(build.present(found, at));
  });
  return { kind: "object", what: "a set", member: (_, name) => (name === "has" ? has : undefined) };
}
