import type { SettingValues } from "../compiler/hir/settings.ts";
import type { SettingDeclaration, SettingType, SettingValue } from "../compiler/hir/tree.ts";

/** A setting as the host reads it: integers below 64 bits are numbers, the rest as HIR has it. */
export type HostSettingValue =
  | number
  | bigint
  | boolean
  | string
  | readonly HostSettingValue[]
  | { readonly [name: string]: HostSettingValue };

/** The resolved settings of a module for the host. */
export function hostSettings(
  declarations: readonly SettingDeclaration[],
  values: SettingValues,
): Readonly<Record<string, HostSettingValue>> {
  return Object.fromEntries(
    declarations.flatMap(({ name, type }) => (name in values ? [[name, convert(type, values[name]!)]] : [])),
  );
}

function convert(type: SettingType, value: SettingValue): HostSettingValue {
  switch (type.kind) {
    case "integer":
      return type.name === "u64" || type.name === "i64" ? value : Number(value);
    case "bool":
    case "enum":
      return value;
    case "formatted":
      return formatted(type.format, value);
    case "struct":
      return Object.fromEntries(
        type.fields.map((field) => [
          field.name,
          convert(field.type, (value as Record<string, SettingValue>)[field.name]!),
        ]),
      );
    case "list":
    case "set":
      return (value as readonly SettingValue[]).map((item) => convert(type.element, item));
    case "matcher":
      return type.name === "u64" || type.name === "i64" ? value : narrow(value);
  }
}

/** As the kernel's code sees them: an IPv6 address is two halves. */
function formatted(
  format: Extract<SettingType, { kind: "formatted" }>["format"],
  value: SettingValue,
): HostSettingValue {
  switch (format) {
    case "ipv4":
      return Number(value);
    case "mac":
      return value;
    case "ipv6":
      return halves(value as bigint);
    case "cidr4":
      return narrow(value);
    case "cidr6": {
      const { address, length } = value as { address: bigint; length: bigint };
      return { ...halves(address), length: Number(length) };
    }
  }
}

function halves(address: bigint): { high: bigint; low: bigint } {
  return { high: address >> 64n, low: BigInt.asUintN(64, address) };
}

/** Every bigint inside, all of which are known to be small, becomes a number. */
function narrow(value: SettingValue): HostSettingValue {
  if (typeof value === "bigint") return value <= 0xffff_ffffn ? Number(value) : value;
  if (typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(narrow);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, narrow(inner)]));
}
