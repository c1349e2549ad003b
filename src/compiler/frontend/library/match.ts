import type ts from "typescript";
import { messages } from "../../diagnostics.ts";
import type { Expression, MatchExpression, SettingType } from "../../hir/tree.ts";
import { boolType, numberType, optionalType, type ScalarType } from "../../hir/types.ts";
import * as build from "../build.ts";
import { toLayout, toType } from "../coerce.ts";
import type { Frame } from "../frame.ts";
import {
  builtin,
  describe,
  type ObjectValue,
  poison,
  type RecordValue,
  type RuleList,
  runtime,
  type Value,
} from "../values.ts";
import { options, values } from "./arguments.ts";
import type { Library } from "./index.ts";

export const matchLibrary: Library = {
  match: () => builtin("match", matchCall),
};

type MatcherType = SettingType & { readonly kind: "matcher" };

/** What a matcher looks at: a scalar, or the 16 bytes of an IPv6 address. */
export function subjectOf(frame: Frame, value: Value, type: MatcherType, node: ts.Node): Expression | undefined {
  if (type.format === "ipv6" || type.format === "cidr6")
    return toLayout(frame, value, { kind: "bytes", length: 16 }, node);
  return toType(frame, value, integerType(type.name), node);
}

function integerType(name: string): ScalarType {
  return name === "u64" || name === "i64" ? build.wide(name) : numberType;
}

function matchCall(frame: Frame, call: ts.CallExpression): Value {
  if (!frame.inProgram) return frame.fail(call, messages.runtimeAtModuleScope("match"));
  const [rules, given] = values(frame, call) ?? [];
  if (!rules || !given) return poison;
  if (rules.kind !== "object" || !rules.rules)
    return frame.fail(call, messages.unexpectedValue("a list of rules from the settings", describe(rules)));
  const record = options(frame, given, call);
  if (!record) return poison;
  const subjects = subjectsOf(frame, rules.rules, record, call);
  if (!subjects) return poison;
  const at = frame.at(call);
  const { setting } = rules.rules;
  const found: MatchExpression = { kind: "match", setting, subjects, type: optionalType(numberType), at };
  return matched(frame, rules.rules, frame.emitter.let("rule", found, at), call);
}

function subjectsOf(
  frame: Frame,
  rules: RuleList,
  record: RecordValue,
  node: ts.Node,
): MatchExpression["subjects"] | undefined {
  const subjects: { field: string; value: Expression }[] = [];
  for (const { name, type } of rules.fields) {
    if (type.kind !== "matcher") continue;
    const given = record.members.get(name);
    const value = given && subjectOf(frame, given, type, node);
    if (!value) return undefined;
    subjects.push({ field: name, value });
  }
  return subjects;
}

/** The rule that matched: its index and its plain fields are read where they are used. */
function matched(frame: Frame, rules: RuleList, found: Expression, node: ts.Node): Value {
  const setting = frame.session.settings.findIndex((one) => one.name === rules.setting);
  const member = (inner: Frame, name: string, place: ts.Node): Value | undefined => {
    const at = inner.at(place);
    const rule = build.unwrap(found, at);
    if (name === "index") {
      return runtime(build.operation("rule.index", [rule], numberType, at, { constants: [setting] }));
    }
    const field = rules.fields.findIndex((one) => one.name === name);
    const type = rules.fields[field]?.type;
    const result = type && plainType(type);
    if (!result) return undefined;
    const read = build.operation("rule.field", [rule], result, at, { constants: [setting, field] });
    const names = type.kind === "enum" && rules.namedFields.get(name) ? type.members : undefined;
    return names ? { ...runtime(read), names } : runtime(read);
  };
  const record: ObjectValue = { kind: "object", what: "a rule", member };
  return { kind: "optionalRecord", present: build.present(found, frame.at(node)), record };
}

/** What reads as a scalar; matchers are not read. */
function plainType(type: SettingType): ScalarType | undefined {
  switch (type.kind) {
    case "integer":
      return integerType(type.name);
    case "bool":
      return boolType;
    case "enum":
      return numberType;
    case "formatted":
      return type.format === "ipv4" ? numberType : type.format === "mac" ? build.wide("u64") : undefined;
    default:
      return undefined;
  }
}
