import type { SettingDeclaration, SettingType, ValueFormat } from "./tree.ts";
import { boolType, type IntegerName, i64Type, limitsOf, numberType, type ScalarType, u64Type } from "./types.ts";

/** A scalar of the configuration, as a program sees it. */
export interface ScalarSetting {
  readonly type: ScalarType;
  /** Absent for a bool. */
  readonly width?: IntegerName;
  readonly low: bigint;
  readonly high: bigint;
}

/** The scalars that a formatted value consists of; the name is the last step of the setting's path, "" for itself. */
export const formatParts: Readonly<Record<ValueFormat, Readonly<Record<string, IntegerName>>>> = {
  ipv4: { "": "u32" },
  mac: { "": "u64" },
  ipv6: { high: "u64", low: "u64" },
  cidr4: { address: "u32", length: "u8" },
  cidr6: { high: "u64", low: "u64", length: "u8" },
};

/** How many bits a value of a format has; of a CIDR block: its address. */
export const formatBits: Readonly<Record<ValueFormat, 32 | 48 | 128>> = {
  ipv4: 32,
  mac: 48,
  ipv6: 128,
  cidr4: 32,
  cidr6: 128,
};

/** The scalar at a path; undefined when there is none: no such setting, a struct, a list. */
export function settingAt(settings: readonly SettingDeclaration[], path: readonly string[]): ScalarSetting | undefined {
  const [first, ...rest] = path;
  const setting = settings.find((one) => one.name === first);
  return setting && scalarAt(setting.type, rest);
}

/** A plain field of a list's rules, by the indices of the setting and of the field; undefined when it is no scalar. */
export function ruleField(
  settings: readonly SettingDeclaration[],
  setting: number,
  field: number,
): ScalarSetting | undefined {
  const type = settings[setting]?.type;
  const element = type?.kind === "list" && type.element.kind === "struct" ? type.element : undefined;
  const found = element?.fields[field]?.type;
  return found && scalarAt(found, []);
}

function scalarAt(type: SettingType, path: readonly string[]): ScalarSetting | undefined {
  const [first, ...rest] = path;
  if (type.kind === "struct") {
    const field = type.fields.find((one) => one.name === first);
    return field && scalarAt(field.type, rest);
  }
  if (type.kind === "formatted") {
    const parts = formatParts[type.format];
    const part = first ?? "";
    if (rest.length > 0 || !Object.hasOwn(parts, part)) return undefined;
    return integer(parts[part]!, undefined, part === "length" ? BigInt(formatBits[type.format]) : undefined);
  }
  if (first !== undefined) return undefined;
  switch (type.kind) {
    case "bool":
      return { type: boolType, low: 0n, high: 1n };
    case "integer":
      return integer(type.name, type.minimum, type.maximum);
    case "enum": {
      const values = type.members.map(([, value]) => value);
      const low = values.reduce((a, b) => (a < b ? a : b));
      const high = values.reduce((a, b) => (a > b ? a : b));
      const name = low < 0n ? "i32" : "u32";
      if (low < limitsOf(name)[0] || high > limitsOf(name)[1]) return undefined;
      return { type: numberType, width: name, low, high };
    }
    default:
      return undefined;
  }
}

function integer(name: IntegerName, minimum?: bigint, maximum?: bigint): ScalarSetting {
  const [low, high] = limitsOf(name);
  return {
    type: name === "u64" ? u64Type : name === "i64" ? i64Type : numberType,
    width: name,
    low: minimum !== undefined && minimum > low ? minimum : low,
    high: maximum !== undefined && maximum < high ? maximum : high,
  };
}
