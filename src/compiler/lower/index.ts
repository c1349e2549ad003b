import type { Position } from "../hir/position.ts";
import type { Module, Program } from "../hir/tree.ts";
import { contextParameters } from "../hir/verify/scope.ts";
import { FunctionBuilder } from "../ir/builder.ts";
import { helpers } from "../ir/helpers.ts";
import type { IrFunction, IrProgram } from "../ir/ir.ts";
import { lowerCallbacks } from "./callbacks.ts";
import { Lowering } from "./lowering.ts";
import type { LowerOptions } from "./options.ts";
import { beginEpoch } from "./packet-model.ts";
import { lowerStatements } from "./statements.ts";

export { MissingKernelType } from "./missing.ts";
export type { KernelField, KernelTypes, LowerOptions, Range } from "./options.ts";

/**
 * Lowers one program of a checked and specialised module to IR for one hook.
 *
 * @throws MissingKernelType when it reads what this kernel's types lack.
 */
export function lowerProgram(module: Module, program: Program, options: LowerOptions): IrProgram {
  return lowerChain(module, program.name, [program], options);
}

/** Where a chain goes on that is cut: a tail call into this slot of a program array. */
export interface Continuation {
  /** Index of the array in the module's maps. */
  readonly map: number;
  readonly slot: number;
}

/**
 * Lowers a chain of packet functions to one program: what one passes, the next gets; any other verdict is final. They
 * share the packet's bounds, so that the optimiser parses once for all of them.
 */
export function lowerChain(
  module: Module,
  name: string,
  programs: readonly Program[],
  options: LowerOptions,
  continuation?: Continuation,
): IrProgram {
  const builder = new FunctionBuilder(name, "global", ["context"]);
  const subprograms: IrFunction[] = [];
  const callbacks = new Set<number>();
  for (const [index, program] of programs.entries()) {
    const l = new Lowering(module, program, options, builder, programs);
    l.subprograms = subprograms;
    l.callbacks = callbacks;
    if (options.hook.packetModel && index === 0) beginEpoch(l, program.at);
    const last = index + 1 === programs.length;
    const next = last && !continuation ? undefined : builder.newBlock();
    l.chainTo(next, index);
    bindContext(l, program);
    lowerStatements(l, program.body);
    if (!builder.terminated) l.leave(l.constant(0, program.at), program.at);
    if (!next) break;
    builder.seal(next);
    builder.switchTo(next);
    if (last && continuation) continueElsewhere(l, continuation, program.at);
  }
  const main = builder.finish();
  subprograms.push(...lowerCallbacks(module, options, callbacks));
  return { name, functions: [main, ...subprograms] };
}

/** The handler's parameter, where the hook's context record is one. */
function bindContext(l: Lowering, program: Program): void {
  for (const local of contextParameters(program)) {
    l.builder.write(l.variableOf(local), l.context);
  }
}

/** A tail call does not come back; where it finds no program the packet is given up, not passed half judged. */
function continueElsewhere(l: Lowering, { map, slot }: Continuation, at: Position): void {
  const args = [l.context, l.builder.mapAddress(map, at), l.constant(slot, at)];
  l.builder.callHelper(helpers.tailCall.id, args, at);
  l.builder.return(l.verdict("aborted", at), at);
}
