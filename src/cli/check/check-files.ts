import { settingsSchema } from "../../compiler/hir/settings-schema.ts";
import type { Module } from "../../compiler/hir/tree.ts";
import { compileModulePrograms } from "../../engine/compiled.ts";
import { DiagnosticsError } from "../../engine/diagnostics-error.ts";
import { graphUse } from "../../engine/graph-only.ts";
import { loadModule, type WantedProgram } from "../../engine/load.ts";
import { prepareModule } from "../../engine/prepare.ts";
import { compileSource } from "../../engine/source.ts";
import { IovisorError } from "../../errors.ts";
import { probe } from "../../kernel/features.ts";
import { type Hook, hooks } from "../../language/kinds.ts";
import type { CheckArguments } from "../commands/check.ts";
import { exitCodes } from "../exit-codes.ts";
import { toJson } from "../json.ts";
import { describeDiagnostics, describeError } from "../report.ts";
import { parseSettings } from "../run/settings.ts";
import { paint, terminalSize, withProgress } from "../terminal.ts";
import { describeSettings } from "./describe-settings.ts";

/** What one program costs at one hook. */
interface Checked {
  readonly program: string;
  readonly hook: string;
  readonly instructions: number;
  /** Instructions that the verifier walked; undefined where it was not asked. */
  readonly verified: number | undefined;
  /** It was made once more, with few paths: the fast form was too much for the verifier. */
  readonly fewPaths: boolean;
}

/** `iovisor check`: every file, whatever is wrong with the others. Gives the exit code. */
export async function checkFiles(files: readonly string[], args: CheckArguments): Promise<number> {
  let exitCode: number = exitCodes.ok;
  for (const file of files) {
    try {
      report(file, await withProgress(`checking ${file}`, () => checkFile(file, args)), args);
    } catch (error) {
      const misused = error instanceof IovisorError && error.code === "E_USAGE";
      if (exitCode !== exitCodes.failed) exitCode = misused ? exitCodes.usage : exitCodes.failed;
      reportFailure(file, error, args);
    }
  }
  return exitCode;
}

interface CheckedFile {
  readonly module: Module;
  readonly checked: readonly Checked[];
  /** Why the verifier was not asked. */
  readonly without: string | undefined;
}

async function checkFile(file: string, args: CheckArguments): Promise<CheckedFile> {
  const { module } = await compileSource(file, { cache: false });
  const settings = parseSettings(args.set);
  if (graphUse(module)) {
    prepareModule(module, settings);
    return { module, checked: [], without: "it belongs into a graph" };
  }
  const permission = args.verifier ? probe("bpf") : { supported: false as const, reason: "--no-verifier" };
  const without = permission.supported ? undefined : permission.reason;
  const wanted = wantedPrograms(module, args.hook);
  if (without === undefined) {
    return { module, checked: wanted.flatMap((one) => verified(module, one, settings)), without };
  }
  const request = { settings, hooks: [...new Set(wanted.map(({ hook }) => hook.name))] };
  const { programs } = compileModulePrograms(module, request);
  const checked = programs.map(
    ({ program, hook, code }): Checked => ({
      ...{ program: program.name, hook: hook.name, instructions: code.instructions.length },
      ...{ verified: undefined, fewPaths: false },
    }),
  );
  return { module, checked, without };
}

/** Each program on its own: maps that hold programs cannot serve two hooks at once. */
function verified(module: Module, wanted: WantedProgram, settings: Readonly<Record<string, unknown>>): Checked[] {
  using loaded = loadModule(module, [wanted], { settings, statistics: true });
  return loaded.entries.map(({ program, hook, instructions, statistics, fewPaths }) => ({
    ...{ program: program.name, hook: hook.name, instructions },
    ...{ verified: statistics?.processed, fewPaths },
  }));
}

/** Hooks that are tried unasked. Ingress stands for egress: they take the same code. */
const usualHooks: readonly Hook[] = Object.values<Hook>(hooks).filter(
  (hook) => hook.name !== "tcx-egress" && !hook.unattached,
);

function wantedPrograms(module: Module, names: readonly string[]): WantedProgram[] {
  const unknown = names.find((name) => !Object.hasOwn(hooks, name));
  if (unknown !== undefined) {
    throw new IovisorError("E_USAGE", `there is no hook "${unknown}"`, `hooks: ${Object.keys(hooks).join(", ")}`);
  }
  const tried =
    names.length === 0 ? usualHooks : Object.values<Hook>(hooks).filter((hook) => names.includes(hook.name));
  return module.programs.flatMap((program) =>
    tried.filter((hook) => hook.kind === program.kind).map((hook) => ({ program, hook })),
  );
}

const indent = "   ";

function report(file: string, { module, checked, without }: CheckedFile, args: CheckArguments): void {
  if (args.output === "json") {
    const settings = settingsSchema(module);
    const why = without ? { without } : {};
    process.stdout.write(`${toJson({ file, ok: true, programs: checked, settings, ...why })}\n`);
    return;
  }
  process.stdout.write(
    `${paint("green", "ok")} ${file}${without ? ` (the verifier was not asked: ${without})` : ""}\n`,
  );
  for (const { program, hook, instructions, verified, fewPaths } of checked) {
    const walked = verified === undefined ? "" : `, the verifier walked ${verified}`;
    const form = fewPaths ? " (made for few paths: the fast form is too much for it)" : "";
    process.stdout.write(`${indent}${program} at ${hook}: ${instructions} instructions${walked}${form}\n`);
  }
  if (module.settings.length === 0) return;
  const table = describeSettings(module, terminalSize().columns - indent.length);
  process.stdout.write(`${table.replace(/^/gm, indent)}\n`);
}

function reportFailure(file: string, error: unknown, args: CheckArguments): void {
  const { output } = args;
  const verifierLog = "verifierLog" in args && args.verifierLog === true;
  if (output === "json") {
    process.stdout.write(`${toJson({ file, ok: false, ...JSON.parse(describeError(error, { output })) })}\n`);
  } else if (error instanceof DiagnosticsError) {
    process.stdout.write(`${describeDiagnostics(error.diagnostics)}\n`);
  } else {
    process.stderr.write(`${describeError(error, { verifierLog })}\n`);
  }
}
