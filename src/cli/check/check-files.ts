import type { Module } from "../../compiler/hir/tree.ts";
import { compileModulePrograms } from "../../engine/compiled.ts";
import { DiagnosticsError } from "../../engine/diagnostics-error.ts";
import { loadModule, type WantedProgram } from "../../engine/load.ts";
import { compileSource } from "../../engine/source.ts";
import { IovisorError } from "../../errors.ts";
import { probe } from "../../kernel/features.ts";
import { type Hook, hooks } from "../../language/kinds.ts";
import type { CheckArguments } from "../commands/check.ts";
import { exitCodes } from "../exit-codes.ts";
import { toJson } from "../json.ts";
import { describeDiagnostics, describeError } from "../report.ts";
import { parseSettings } from "../run/settings.ts";
import { paint, withProgress } from "../terminal.ts";

/** What one program costs at one hook. */
interface Checked {
  readonly program: string;
  readonly hook: string;
  readonly instructions: number;
  /** Instructions that the verifier walked; undefined where it was not asked. */
  readonly verified: number | undefined;
}

/** `iovisor check`: every file, whatever is wrong with the others. Gives the exit code. */
export async function checkFiles(files: readonly string[], args: CheckArguments): Promise<number> {
  let exitCode: number = exitCodes.ok;
  for (const file of files) {
    try {
      const { checked, without } = await withProgress(`checking ${file}`, () => checkFile(file, args));
      report(file, checked, without, args);
    } catch (error) {
      exitCode = exitCodes.failed;
      reportFailure(file, error, args);
    }
  }
  return exitCode;
}

async function checkFile(file: string, args: CheckArguments) {
  const { module } = await compileSource(file, { cache: false });
  const settings = parseSettings(args.set);
  const permission = args.verifier ? probe("bpf") : { supported: false as const, reason: "--no-verifier" };
  const without = permission.supported ? undefined : permission.reason;
  const wanted = wantedPrograms(module, args.hook);
  if (without === undefined) {
    using loaded = loadModule(module, wanted, { settings, statistics: true });
    const checked = loaded.entries.map(
      ({ program, hook, instructions, statistics }): Checked => ({
        ...{ program: program.name, hook: hook.name, instructions },
        verified: statistics?.processed,
      }),
    );
    return { checked, without };
  }
  const request = { settings, hooks: [...new Set(wanted.map(({ hook }) => hook.name))] };
  const { programs } = compileModulePrograms(module, request);
  const checked = programs.map(
    ({ program, hook, code }): Checked => ({
      ...{ program: program.name, hook: hook.name, instructions: code.instructions.length },
      verified: undefined,
    }),
  );
  return { checked, without };
}

/** Hooks that are tried unasked. Ingress stands for egress: they take the same code. */
const usualHooks: readonly Hook[] = Object.values<Hook>(hooks).filter((hook) => hook.name !== "tcx-egress");

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

function report(file: string, checked: readonly Checked[], without: string | undefined, args: CheckArguments): void {
  if (args.output === "json") {
    process.stdout.write(`${toJson({ file, ok: true, programs: checked, ...(without ? { without } : {}) })}\n`);
    return;
  }
  process.stdout.write(
    `${paint("green", "ok")} ${file}${without ? ` (the verifier was not asked: ${without})` : ""}\n`,
  );
  for (const { program, hook, instructions, verified } of checked) {
    const walked = verified === undefined ? "" : `, the verifier walked ${verified}`;
    process.stdout.write(`   ${program} at ${hook}: ${instructions} instructions${walked}\n`);
  }
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
