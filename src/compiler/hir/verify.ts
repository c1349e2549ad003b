import { settingProblems } from "./settings.ts";
import type { Module, Program, Routine, SettingType } from "./tree.ts";
import { limitsOf } from "./types.ts";
import { verifyCallbackParameters } from "./verify/callbacks.ts";
import { verifyInterface } from "./verify/interface.ts";
import { verifyMaps } from "./verify/maps.ts";
import { moduleShape } from "./verify/module-shape.ts";
import { parametersOf, Scope } from "./verify/scope.ts";
import { type Path, type Problem, Report, under } from "./verify/shape.ts";
import { typeBody } from "./verify/statements.ts";

export type { Problem } from "./verify/shape.ts";
export { parametersOf };

/**
 * Holds any value against the form of HIR: shape, limits of size and depth, layouts, maps, types of every node, scopes
 * of locals and labels, operations by their table.
 *
 * What has no problem may be treated as a `Module`, and no later pass fails on it: the flow checker may still find
 * that it does what the kernel would refuse.
 *
 * @returns at most fifty problems, each with the path to its place.
 */
export function verifyModule(value: unknown): readonly Problem[] {
  const report = new Report();
  moduleShape.check(value, undefined, { report, nodes: 0, depth: 0, known: new Map() });
  if (report.problems.length > 0) return report.problems;
  const module = value as Module;
  verifyMaps(module, report);
  verifyInterface(module, report);
  verifySettings(module, report);
  verifyPrograms(module, report);
  verifyCallbacks(module, report);
  return report.problems;
}

function verifySettings(module: Module, report: Report): void {
  const names = new Set<string>();
  module.settings.forEach((setting, index) => {
    const path = under(under(undefined, "settings"), index);
    if (names.has(setting.name)) report.add(path, `two settings named "${setting.name}"`);
    names.add(setting.name);
    const fault = typeFault(setting.type);
    if (fault) {
      report.add(under(path, "type"), fault);
      return;
    }
    for (const problem of settingProblems(setting.name, setting.type, setting.default))
      report.add(under(path, "default"), problem);
  });
}

/** What is wrong with the type of a setting itself. */
function typeFault(type: SettingType): string | undefined {
  switch (type.kind) {
    case "integer": {
      const [low, high] = limitsOf(type.name);
      const least = type.minimum ?? low;
      const most = type.maximum ?? high;
      return least < low || most > high || least > most ? `no ${type.name} lies in ${least} to ${most}` : undefined;
    }
    case "enum":
      return new Set(type.members.map(([name]) => name)).size < type.members.length
        ? "two members of one name"
        : undefined;
    case "struct":
      if (new Set(type.fields.map((field) => field.name)).size < type.fields.length) return "two fields of one name";
      return type.fields.map((field) => typeFault(field.type)).find((fault) => fault !== undefined);
    case "list":
    case "set":
      return typeFault(type.element);
    default:
      return undefined;
  }
}

function verifyPrograms(module: Module, report: Report): void {
  const names = new Set<string>();
  module.programs.forEach((program, index) => {
    const path = under(under(undefined, "programs"), index);
    if (names.has(program.name)) report.add(path, `two programs named "${program.name}"`);
    names.add(program.name);
    if (needsTarget(program) !== (program.target !== undefined))
      report.add(
        path,
        `a program of kind ${program.kind} ${program.target === undefined ? "needs a" : "has no"} target`,
      );
    verifyRoutine(module, program, path, report);
  });
}

function verifyCallbacks(module: Module, report: Report): void {
  const names = new Set<string>();
  module.callbacks.forEach((callback, index) => {
    const path = under(under(undefined, "callbacks"), index);
    if (names.has(callback.name)) report.add(path, `two callbacks named "${callback.name}"`);
    names.add(callback.name);
    verifyCallbackParameters(module, callback, path, report);
    verifyRoutine(module, callback, path, report);
  });
}

function verifyRoutine(module: Module, routine: Routine, path: Path, report: Report): void {
  const scope = new Scope(module, routine, report);
  routine.locals.forEach((local, at) => {
    const type = local.type.kind === "optional" ? local.type.of : local.type;
    if (local.width !== undefined && type.kind !== "number")
      report.add(under(under(path, "locals"), at), `a width for a local of type ${type.kind}`);
  });
  typeBody(routine.body, under(path, "body"), scope);
}

function needsTarget(program: Program): boolean {
  return program.kind === "tracepoint" || program.kind === "btfTracepoint";
}
