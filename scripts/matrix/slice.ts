import { generateModule } from "../../fuzz/generate/module.ts";
import { Random } from "../../fuzz/random.ts";
import { expectedRuns } from "../../fuzz/witnesses/runs.ts";
import { StackTooLarge } from "../../src/compiler/codegen/index.ts";
import { compileModule } from "../../src/compiler/frontend/index.ts";
import { writeModule } from "../../src/compiler/hir/serialise.ts";
import { type Abilities, oldestAbilities } from "../../src/engine/abilities.ts";
import type { KernelTypeSource } from "../../src/engine/kernel-types.ts";
import { compilePrepared, type PreparedModule, prepareModule, programSpec } from "../../src/engine/prepare.ts";
import { IovisorError } from "../../src/errors.ts";
import { type HookName, hooks } from "../../src/language/kinds.ts";
import { abilitiesKey, type CompiledVariant, type FuzzProgram } from "./records.ts";

const entry = "/generated/main.ts";
/** Runs of a program at each of its hooks. */
const packets = 4;
/** The kernels of the matrix have either all of these abilities or none; for others guests compile themselves. */
const abilities: readonly Abilities[] = [
  oldestAbilities,
  { target: { isa: 4, littleEndian: true, mixedStackWrites: true }, longLoops: "iterator", mayGoto: true },
];
/** Egress takes the same program as ingress. */
const hooksInSlice: readonly HookName[] = ["xdp", "tcx-ingress", "cgroup-connect4", "cgroup-connect6"];
/** Stands for the kernel's types: numbers of functions are filled in by the guest. */
const laterTypes: KernelTypeSource = { field: () => undefined, functionId: () => 0, tracepointId: () => undefined };

/**
 * Generated programs that the compiler accepts, compiled here: under emulation that would take ten times as long. The
 * same seed gives the same programs.
 */
export function fuzzSlice(seed: number, count: number): readonly FuzzProgram[] {
  const programs: FuzzProgram[] = [];
  // Some are refused with a diagnostic: they are no matter of the kernel's.
  for (let index = 0; programs.length < count && index < count * 4; index++) {
    const program = accepted(seed, index);
    if (program) programs.push(program);
  }
  return programs;
}

function accepted(seed: number, index: number): FuzzProgram | undefined {
  const { source, given } = generateModule(seed, index);
  const { module, diagnostics } = compileModule(entry, { overlay: new Map([[entry, source]]) });
  if (!module || diagnostics.length > 0) return undefined;
  try {
    const prepared = prepareModule(module, given);
    const compiled = abilities.flatMap((one) => variants(prepared, one, new Random(seed, index)));
    return { name: `seed ${seed} program ${index}`, source, hir: writeModule(module), given, compiled };
  } catch (cause) {
    const refused = cause instanceof StackTooLarge || (cause instanceof IovisorError && cause.code === "E_DIAGNOSTICS");
    if (refused) return undefined;
    throw cause;
  }
}

function variants(prepared: PreparedModule, one: Abilities, random: Random): CompiledVariant[] {
  return prepared.module.programs.flatMap((program) =>
    hooksInSlice
      .filter((hook) => hooks[hook].kind === program.kind)
      .map((hook): CompiledVariant => {
        const compiled = compilePrepared(prepared, program, hooks[hook], one, undefined);
        const spec = programSpec(compiled, () => laterTypes);
        const runs = expectedRuns(prepared, program, { hook, random, packets });
        if ("kind" in runs) throw new Error(runs.details);
        const { kernelFunctions } = compiled;
        return { abilities: abilitiesKey(one), hook, spec, kernelFunctions, runs };
      }),
  );
}
