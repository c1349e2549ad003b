import { formatExamples, printFormat } from "./formats.ts";
import { defaultMaxItems } from "./settings.ts";
import type { Module, SettingType, SettingValue, ValueFormat } from "./tree.ts";
import { limitsOf } from "./types.ts";

/** A JSON Schema (draft 2020-12) as plain data. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** The schema of a module's configuration: what `resolveSettings` takes, as JSON. */
export function settingsSchema(module: Pick<Module, "name" | "settings">): JsonSchema {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: module.name,
    type: "object",
    additionalProperties: false,
    properties: Object.fromEntries(
      module.settings.map((setting) => [
        setting.name,
        {
          ...schemaOf(setting.type),
          ...(setting.description ? { description: setting.description } : {}),
          default: jsonOf(setting.type, setting.default),
        },
      ]),
    ),
  };
}

/** Integers that JSON cannot hold exactly may be written as strings. */
function integerSchema(low: bigint, high: bigint): JsonSchema {
  const exact = low >= BigInt(Number.MIN_SAFE_INTEGER) && high <= BigInt(Number.MAX_SAFE_INTEGER);
  if (exact) return { type: "integer", minimum: Number(low), maximum: Number(high) };
  return {
    oneOf: [
      { type: "integer", ...(low === 0n ? { minimum: 0 } : {}) },
      { type: "string", pattern: low < 0n ? "^(-?[0-9]+|0x[0-9a-fA-F]+)$" : "^([0-9]+|0x[0-9a-fA-F]+)$" },
    ],
  };
}

const formatSchemas: Readonly<Record<ValueFormat, JsonSchema>> = {
  ipv4: { type: "string", format: "ipv4" },
  ipv6: { type: "string", format: "ipv6" },
  mac: { type: "string", pattern: "^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}$" },
  cidr4: { type: "string", pattern: "^[0-9.]+(/[0-9]{1,2})?$" },
  cidr6: { type: "string", pattern: "^[0-9a-fA-F:.]+(/[0-9]{1,3})?$" },
};

function formatSchema(format: ValueFormat): JsonSchema {
  return { ...formatSchemas[format], examples: [formatExamples[format]] };
}

function schemaOf(type: SettingType): JsonSchema {
  switch (type.kind) {
    case "integer": {
      const [low, high] = limitsOf(type.name);
      return integerSchema(type.minimum ?? low, type.maximum ?? high);
    }
    case "bool":
      return { type: "boolean" };
    case "enum":
      return { type: "string", enum: type.members.map(([name]) => name) };
    case "formatted":
      return formatSchema(type.format);
    case "struct":
      return {
        type: "object",
        additionalProperties: false,
        properties: Object.fromEntries(
          type.fields.map((field) => [
            field.name,
            { ...schemaOf(field.type), ...(field.description ? { description: field.description } : {}) },
          ]),
        ),
      };
    case "list":
    case "set":
      return {
        type: "array",
        items: itemSchema(type.element),
        maxItems: type.maxItems ?? defaultMaxItems,
        ...(type.kind === "set" ? { uniqueItems: true } : {}),
      };
    case "matcher":
      return matcherSchema(type);
  }
}

/** A rule has no default to take missing fields from: all but its matchers are required. */
function itemSchema(type: SettingType): JsonSchema {
  const schema = schemaOf(type);
  if (type.kind !== "struct") return schema;
  return {
    ...schema,
    required: type.fields.filter((field) => field.type.kind !== "matcher").map((field) => field.name),
  };
}

function matcherSchema(type: SettingType & { kind: "matcher" }): JsonSchema {
  const [low, high] = limitsOf(type.name);
  const address = type.format === "cidr4" ? "ipv4" : type.format === "cidr6" ? "ipv6" : type.format;
  const one = address ? formatSchema(address) : integerSchema(low, high);
  switch (type.matcher) {
    case "exact":
      return one;
    case "set":
      return { type: "array", items: one, uniqueItems: true };
    case "range": {
      const ends = {
        type: "object",
        properties: { low: one, high: one },
        required: ["low", "high"],
        additionalProperties: false,
      };
      return { oneOf: type.format ? [one, ends] : [one, ends, { type: "string", pattern: "^\\w+-\\w+$" }] };
    }
    case "prefix":
      if (address === "ipv4" || address === "ipv6") return formatSchema(address === "ipv4" ? "cidr4" : "cidr6");
      return {
        type: "object",
        properties: { address: one, length: { type: "integer", minimum: 0 } },
        required: ["address", "length"],
        additionalProperties: false,
      };
  }
}

/** A value as JSON shows it: the inverse of what `resolveSettings` converts. */
export function jsonOf(type: SettingType, value: SettingValue): unknown {
  switch (type.kind) {
    case "formatted":
      return typeof value === "string" ? value : printAddress(type.format, value);
    case "matcher":
      return matcherJson(type, value);
    case "struct": {
      const fields = value as { readonly [name: string]: SettingValue };
      return Object.fromEntries(
        type.fields
          .filter((field) => Object.hasOwn(fields, field.name))
          .map((field) => [field.name, jsonOf(field.type, fields[field.name]!)]),
      );
    }
    case "list":
    case "set":
      return (value as readonly SettingValue[]).map((item) => jsonOf(type.element, item));
    default:
      return plain(value);
  }
}

function plain(value: SettingValue): unknown {
  if (typeof value !== "bigint") return value;
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(value)
    : String(value);
}

function printAddress(format: ValueFormat, value: SettingValue): unknown {
  if (typeof value === "bigint") return printFormat(format, { address: value });
  const { address, length } = value as { readonly address: bigint; readonly length: bigint };
  return printFormat(format, { address, length });
}

function matcherJson(type: SettingType & { kind: "matcher" }, value: SettingValue): unknown {
  const one = (inner: SettingValue): unknown => {
    if (!type.format || typeof inner !== "bigint") return plain(inner);
    return printAddress(type.format === "cidr4" ? "ipv4" : type.format === "cidr6" ? "ipv6" : type.format, inner);
  };
  if (Array.isArray(value)) return value.map(one);
  if (typeof value !== "object") return one(value);
  const record = value as { readonly [name: string]: SettingValue };
  const block = type.format === "ipv4" ? "cidr4" : type.format === "ipv6" ? "cidr6" : type.format;
  if (type.matcher === "prefix" && (block === "cidr4" || block === "cidr6")) return printAddress(block, value);
  return Object.fromEntries(
    Object.entries(record).map(([name, inner]) => [name, name === "length" ? plain(inner) : one(inner)]),
  );
}
