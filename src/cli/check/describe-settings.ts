import { jsonOf } from "../../compiler/hir/settings-schema.ts";
import type { Module, SettingType, SettingValue } from "../../compiler/hir/tree.ts";
import { toJson } from "../json.ts";
import { formatTable } from "../table.ts";

/** Rules and long defaults are shown up to here. */
const widestDefault = 40;

/**
 * What `--set` takes for this module, as a table: names, what their values are, defaults, descriptions.
 *
 * @param columns that it may take.
 */
export function describeSettings({ settings }: Pick<Module, "settings">, columns: number): string {
  const rows = settings.flatMap(({ name, type, default: preset, description }) =>
    settingRows(name, type, preset, description),
  );
  return formatTable(
    [
      { title: "setting" },
      { title: "type", wrap: true },
      { title: "default", wrap: true },
      { title: "what it is", wrap: true },
    ],
    rows.map((cells) => [...cells]),
    columns,
  );
}

type Row = readonly [name: string, type: string, preset: string, description: string];

/** A group of settings has a row for each member, under the name that `--set` takes. */
function settingRows(name: string, type: SettingType, preset: SettingValue, description: string): readonly Row[] {
  if (type.kind !== "struct") return [[name, typeText(type), defaultText(type, preset), description]];
  const values = preset as { readonly [field: string]: SettingValue };
  return type.fields.flatMap((field) =>
    settingRows(`${name}.${field.name}`, field.type, values[field.name] ?? false, field.description ?? ""),
  );
}

function typeText(type: SettingType): string {
  switch (type.kind) {
    case "integer": {
      const limited = type.minimum !== undefined || type.maximum !== undefined;
      return limited ? `${type.name}, ${type.minimum ?? ""}..${type.maximum ?? ""}` : type.name;
    }
    case "bool":
      return "true or false";
    case "enum":
      return type.members.map(([name]) => name).join(" or ");
    case "formatted":
      return type.format;
    case "struct":
      return `{ ${type.fields.map((field) => `${field.name}: ${typeText(field.type)}`).join(", ")} }`;
    case "list":
    case "set":
      return `[${typeText(type.element)}, ...]`;
    case "matcher":
      return matcherText(type);
  }
}

function matcherText({ matcher, format, name }: SettingType & { kind: "matcher" }): string {
  const one = format ?? name;
  switch (matcher) {
    case "exact":
      return one;
    case "range":
      return `"${one}-${one}"`;
    case "set":
      return `[${one}, ...]`;
    case "prefix":
      return format === "ipv4" ? "cidr4" : format === "ipv6" ? "cidr6" : one;
  }
}

function defaultText(type: SettingType, preset: SettingValue): string {
  const json = jsonOf(type, preset);
  const text = typeof json === "string" ? json : toJson(json);
  return text.length > widestDefault ? `${text.slice(0, widestDefault - 3)}...` : text;
}
