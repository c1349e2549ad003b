import type { Module, Program } from "../hir/tree.ts";
import { FunctionBuilder } from "../ir/builder.ts";
import type { IrProgram } from "../ir/ir.ts";
import { Lowering } from "./lowering.ts";
import type { LowerOptions } from "./options.ts";
import { beginEpoch } from "./packet-model.ts";
import { lowerStatements } from "./statements.ts";

export { MissingKernelType } from "./missing.ts";
export type { KernelField, KernelTypes, LoopStrategy, LowerOptions, Range } from "./options.ts";

/**
 * Lowers one program of a checked and specialised module to IR for one hook.
 *
 * @throws MissingKernelType when it reads what this kernel's types lack.
 */
export function lowerProgram(module: Module, program: Program, options: LowerOptions): IrProgram {
  const builder = new FunctionBuilder(program.name, "global", ["context"]);
  const l = new Lowering(module, program, options, builder);
  if (options.hook.packetModel) beginEpoch(l, program.at);
  lowerStatements(l, program.body);
  if (!builder.terminated) l.leave(l.constant(0, program.at), program.at);
  return { name: program.name, functions: [builder.finish(), ...l.subprograms] };
}
