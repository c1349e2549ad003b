import type { CompiledProgram, CompileOptions } from "../compiler/compile.ts";
import type { GivenValue } from "../compiler/hir/settings.ts";
import type { Module, Program } from "../compiler/hir/tree.ts";
import { IovisorError } from "../errors.ts";
import { type Hook, hookNamed, hooks } from "../language/kinds.ts";
import { type Abilities, oldestAbilities } from "./abilities.ts";
import { type KernelTypeSource, runningKernelTypes } from "./kernel-types.ts";
import { compilePrepared, type PreparedModule, prepareModule } from "./prepare.ts";

/** A program that was compiled but not loaded. */
export interface Compiled {
  readonly program: Program;
  readonly hook: Hook;
  readonly code: CompiledProgram;
}

export interface CompileRequest {
  readonly settings?: Readonly<Record<string, GivenValue>>;
  /** Names of hooks; by default one for each program: XDP for packet programs. */
  readonly hooks?: readonly string[];
  /** Default: what every supported kernel takes. */
  readonly abilities?: Abilities;
  readonly compile?: Partial<CompileOptions>;
}

/**
 * Compiles the programs of a module without loading them. Tracing programs are made for the running kernel's types.
 *
 * @throws E_USAGE for a hook that no program fits; E_SETTING, E_DIAGNOSTICS
 */
export function compileModulePrograms(
  module: Module,
  request: CompileRequest = {},
): { readonly prepared: PreparedModule; readonly programs: readonly Compiled[] } {
  const prepared = prepareModule(module, request.settings);
  const abilities = request.abilities ?? oldestAbilities;
  const programs = programsFor(prepared.module, request.hooks ?? []).map(({ program, hook }) => {
    const types = program.kind === "tracepoint" || program.kind === "btfTracepoint" ? kernelTypes() : undefined;
    return { program, hook, code: compilePrepared(prepared, program, hook, abilities, types, request.compile) };
  });
  return { prepared, programs };
}

function kernelTypes(): KernelTypeSource {
  return runningKernelTypes();
}

function programsFor(module: Module, names: readonly string[]): { readonly program: Program; readonly hook: Hook }[] {
  if (names.length === 0) return module.programs.map((program) => ({ program, hook: usualHook(program) }));
  return names.flatMap((name) => {
    const hook = hookNamed(name);
    if (!hook)
      throw new IovisorError("E_USAGE", `there is no hook "${name}"`, `hooks: ${Object.keys(hooks).join(", ")}`);
    const fitting = module.programs.filter((program) => program.kind === hook.kind);
    if (fitting.length > 0) return fitting.map((program) => ({ program, hook }));
    const kinds = module.programs.map((program) => `${program.name} (${program.kind})`).join(", ");
    throw new IovisorError("E_USAGE", `${module.name} has no program for ${name}`, `its programs: ${kinds || "none"}`);
  });
}

/** The hook of a program's kind that comes first in the table. */
function usualHook(program: Program): Hook {
  return Object.values<Hook>(hooks).find((hook) => hook.kind === program.kind)!;
}
