import type ts from "typescript";
import { messages } from "../../diagnostics.ts";
import { settingProblems } from "../../hir/settings.ts";
import type { SettingType, SettingValue } from "../../hir/tree.ts";
import { constantFits } from "../coerce.ts";
import type { Frame } from "../frame.ts";
import {
  type BuiltinValue,
  builtin,
  describe,
  type LayoutValue,
  poison,
  type SettingTypeValue,
  type Value,
} from "../values.ts";
import { constantText, values } from "./arguments.ts";
import { integerName } from "./scalars.ts";

/** `u16.default(...)` and `u16.between(...)`. */
export function settingMember(value: LayoutValue, name: string): BuiltinValue | undefined {
  const type = settingTypeOf(value);
  if (!type) return undefined;
  if (name === "default") return withDefault({ kind: "settingType", type, description: "" });
  return name === "between" && type.kind === "integer" ? between(value) : undefined;
}

/** The type of a setting that a scalar layout stands for. */
export function settingTypeOf({ layout, limits }: LayoutValue): SettingType | undefined {
  if (layout.kind === "bool") return { kind: "bool" };
  if (layout.kind !== "integer") return undefined;
  const type = { kind: "integer", name: integerName(layout) } as const;
  return limits ? { ...type, minimum: limits[0], maximum: limits[1] } : type;
}

function between(value: LayoutValue): BuiltinValue {
  return builtin("between", (frame, call) => {
    const [low, high] = values(frame, call) ?? [];
    if (!low || !high || value.layout.kind !== "integer") return poison;
    if (low.kind !== "constant" || high.kind !== "constant") return frame.fail(call, messages.notConstant("a limit"));
    const name = integerName(value.layout);
    if (!constantFits(frame, low, name, call) || !constantFits(frame, high, name, call)) return poison;
    const limits = [low.value as bigint, high.value as bigint] as const;
    if (limits[0] > limits[1]) return frame.fail(call, messages.badSetting("its least value is above its greatest"));
    return { ...value, limits };
  });
}

/** `type.default(value, "what it is for")` */
export function withDefault(type: SettingTypeValue): BuiltinValue {
  return builtin("default", (frame, call) => {
    const [value, description] = values(frame, call) ?? [];
    if (!value) return poison;
    const given = plainValue(frame, value, call);
    const text = description ? constantText(frame, description, "a description", call) : "";
    if (given === undefined || text === undefined) return poison;
    const problems = settingProblems("default", type.type, given);
    if (problems.length > 0) return frame.fail(call, messages.badSetting(problems.join("; ")));
    return { ...type, default: given, description: text };
  });
}

/** A constant as plain data. */
function plainValue(frame: Frame, value: Value, node: ts.Node): SettingValue | undefined {
  switch (value.kind) {
    case "constant":
      return value.value;
    case "string":
      return value.text;
    case "list": {
      const items = value.items.map((item) => plainValue(frame, item, node));
      return items.every((item) => item !== undefined) ? items : undefined;
    }
    case "record": {
      const members = [...value.members].map(([name, member]) => [name, plainValue(frame, member, node)] as const);
      return members.every(([, member]) => member !== undefined)
        ? (Object.fromEntries(members) as Record<string, SettingValue>)
        : undefined;
    }
    case "poison":
      return undefined;
    default:
      frame.fail(node, messages.notConstant(`a default (${describe(value)})`));
      return undefined;
  }
}
