import { settingProblems } from "../../compiler/hir/settings.ts";
import type { Module, SettingType, SettingValue } from "../../compiler/hir/tree.ts";
import type { ConfigProblem, FunctionDescription } from "./description.ts";

/** `checkConfig` of a function whose configuration is its kernel module's settings: what `resolveSettings` takes. */
export function kernelConfigCheck(module: Pick<Module, "settings">): NonNullable<FunctionDescription["checkConfig"]> {
  return (config) =>
    Object.entries(config).flatMap(([name, value]) => {
      const setting = module.settings.find((one) => one.name === name);
      if (!setting) {
        const names = module.settings.map((one) => one.name).join(", ") || "none";
        return [{ path: [name], message: `no such setting; there is ${names}` }];
      }
      return settingProblems(name, setting.type, completed(setting.type, value, setting.default)).map(pathAndMessage);
    });
}

/** A struct may be given in part: the rest of it is the default. */
function completed(type: SettingType, value: unknown, preset: SettingValue | undefined): unknown {
  if (type.kind !== "struct" || !isRecord(value) || !isRecord(preset)) return value;
  const given = Object.entries(value).map(([name, inner]) => {
    const field = type.fields.find((one) => one.name === name);
    return [name, field ? completed(field.type, inner, preset[name] as SettingValue | undefined) : inner] as const;
  });
  return { ...preset, ...Object.fromEntries(given) };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Divides `rules[0].port: expected ...` at the end of its path. */
function pathAndMessage(problem: string): ConfigProblem {
  const end = problem.indexOf(": ");
  const path = [...problem.slice(0, end).matchAll(/\[(?<index>\d+)\]|(?<name>[^.[\]]+)/g)].map(
    ({ groups }) => groups?.["name"] ?? Number(groups?.["index"]),
  );
  return { path, message: problem.slice(end + 2) };
}
