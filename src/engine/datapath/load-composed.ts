import type { CompiledProgram } from "../../compiler/compile.ts";
import type { Module } from "../../compiler/hir/tree.ts";
import type { KernelMap } from "../../kernel/maps.ts";
import { KernelProgram } from "../../kernel/programs.ts";
import { type Hook, hooks } from "../../language/kinds.ts";
import { runningAbilities } from "../abilities.ts";
import { runningKernelTypes } from "../kernel-types.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import { compilePrepared, prepareComposed, programSpec } from "../prepare.ts";
import type { Form } from "../within-limits.ts";

/** The hook that programs of a kind are compiled for; TCX ingress and egress take the same. */
export function compilerHook(hook: PipelineHook): Hook {
  return hook === "xdp" ? hooks.xdp : hooks["tcx-ingress"];
}

/** Compiles the one program of a composed module. */
export function compileComposed(
  module: Module,
  hook: PipelineHook | "xdp-devmap",
  form: Partial<Form> = {},
): CompiledProgram {
  const prepared = prepareComposed(module);
  const at = hook === "xdp-devmap" ? hooks["xdp-devmap"] : compilerHook(hook);
  return compilePrepared(prepared, prepared.module.programs[0]!, at, runningAbilities(), undefined, form);
}

/** Loads a compiled program with maps that exist, by the names in its module. */
export function loadComposed(compiled: CompiledProgram, maps: Readonly<Record<string, KernelMap>>): KernelProgram {
  return KernelProgram.load(programSpec(compiled, runningKernelTypes), { maps, statistics: true });
}
