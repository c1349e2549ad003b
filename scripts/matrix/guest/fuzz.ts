/** Generated programs in this kernel, at each of their hooks, beside the interpreter. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { deserialize } from "node:v8";
import { KernelMaps } from "../../../fuzz/witnesses/kernel-maps.ts";
import { compareInKernel } from "../../../fuzz/witnesses/runs.ts";
import { readModule } from "../../../src/compiler/hir/serialise.ts";
import { runningAbilities } from "../../../src/engine/abilities.ts";
import { runningKernelTypes } from "../../../src/engine/kernel-types.ts";
import { loadModule } from "../../../src/engine/load.ts";
import { compilePrepared, type PreparedModule, prepareModule, programSpec } from "../../../src/engine/prepare.ts";
import { loadWithinLimits } from "../../../src/engine/within-limits.ts";
import { NotSupported } from "../../../src/errors.ts";
import { KernelProgram, type ProgramSpec } from "../../../src/kernel/programs.ts";
import { hooks } from "../../../src/language/kinds.ts";
import { abilitiesKey, type CompiledVariant, type FuzzProgram, jobFolder } from "../records.ts";
import { check } from "./emit.ts";
import { placesOf } from "./job.ts";

const abilities = abilitiesKey(runningAbilities());

for (const program of deserialize(readFileSync(join(jobFolder, "fuzz"))) as FuzzProgram[]) {
  check("fuzz", program.name, () => tryProgram(program), program.source);
}

/** @returns what was compared */
function tryProgram({ hir, given, compiled }: FuzzProgram): string | undefined {
  const module = readModule(hir);
  const fitting = compiled.filter((one) => one.abilities === abilities);
  if (fitting.length > 0) {
    // The settings add maps: rules that are data.
    const prepared = prepareModule(module, given);
    const runs = fitting.map((one) => tryVariant(prepared, one));
    return `${runs.reduce((a, b) => a + b, 0)} runs agreed`;
  }
  for (const place of placesOf(module)) loadModule(module, [place], { settings: given })[Symbol.dispose]();
  return undefined;
}

/**
 * With maps of its own for each hook: the kernel ties a program array to one program type.
 *
 * @returns how many runs were compared
 */
function tryVariant(prepared: PreparedModule, variant: CompiledVariant): number {
  const { module } = prepared;
  using maps = new KernelMaps(module);
  using program = loadWithinLimits(({ fewPaths }) => {
    const spec = fewPaths ? withFewPaths(prepared, variant) : withKernelFunctions(variant);
    return KernelProgram.load(spec, { maps: maps.byName });
  });
  const { abilities: configuration, hook, runs } = variant;
  const tally = { runs: 0, skipped: 0 };
  const failure = compareInKernel({ module, runs, where: { configuration, hook } }, { program, maps, tally });
  if (failure) throw new Error(`${failure.signature} at ${hook}\n${failure.details}`);
  return tally.runs;
}

function withFewPaths(prepared: PreparedModule, { hook }: CompiledVariant): ProgramSpec {
  const program = prepared.module.programs.find(({ kind }) => kind === hooks[hook].kind)!;
  const compiled = compilePrepared(prepared, program, hooks[hook], runningAbilities(), undefined, { fewPaths: true });
  return programSpec(compiled, runningKernelTypes);
}

function withKernelFunctions({ spec, kernelFunctions }: CompiledVariant): ProgramSpec {
  if (kernelFunctions.length === 0) return spec;
  const instructions = [...spec.instructions];
  for (const { index, name } of kernelFunctions) {
    const id = runningKernelTypes().functionId(name);
    if (id === undefined) throw new NotSupported(name, `this kernel has no kernel function ${name}`);
    instructions[index] = { ...instructions[index]!, imm: id };
  }
  return { ...spec, instructions };
}
