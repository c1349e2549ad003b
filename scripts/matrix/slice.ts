import { generateModule } from "../../fuzz/generate/module.ts";
import { compileModule } from "../../src/compiler/frontend/index.ts";
import { writeModule } from "../../src/compiler/hir/serialise.ts";
import { prepareModule } from "../../src/engine/prepare.ts";
import { IovisorError } from "../../src/errors.ts";
import type { FuzzProgram } from "./records.ts";

const entry = "/generated/main.ts";

/**
 * Generated programs that the compiler accepts, as HIR, so that guests need no TypeScript compiler. The same seed gives
 * the same programs.
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
    prepareModule(module, given);
  } catch (cause) {
    if (cause instanceof IovisorError && cause.code === "E_DIAGNOSTICS") return undefined;
    throw cause;
  }
  return { name: `seed ${seed} program ${index}`, hir: writeModule(module), given };
}
