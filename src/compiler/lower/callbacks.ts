import type { Module } from "../hir/tree.ts";
import type { RefType } from "../hir/types.ts";
import { FunctionBuilder } from "../ir/builder.ts";
import type { IrFunction } from "../ir/ir.ts";
import { Lowering } from "./lowering.ts";
import { calledBack, type LowerOptions } from "./options.ts";
import { lowerStatements } from "./statements.ts";

/**
 * The functions of callbacks, with those that they hand to the kernel themselves. What they share with the program is
 * maps alone: none sees the packet, so that they are lowered for a hook without one.
 *
 * @param wanted grows while callbacks name further ones
 */
export function lowerCallbacks(module: Module, options: LowerOptions, wanted: Set<number>): IrFunction[] {
  const { packetModel: _, ...hook } = options.hook;
  const functions: IrFunction[] = [];
  // A set gives what is added while it is gone over, too.
  const inCallback = calledBack({ ...options, hook });
  for (const index of wanted) functions.push(...lowerCallback(module, inCallback, wanted, index));
  return functions;
}

/** `int callback(map, key, value)`; 0 lets an iteration go on, and a timer's must return it. */
function lowerCallback(module: Module, options: LowerOptions, wanted: Set<number>, index: number): IrFunction[] {
  const callback = module.callbacks[index]!;
  const builder = new FunctionBuilder(callback.name, "static", ["address", "address", "address"]);
  const l = new Lowering(module, callback, options, builder);
  l.callbacks = wanted;
  callback.locals.slice(0, 2).forEach(({ type, at }, local) => {
    const { region, layout } = type as RefType;
    l.writeLocal(local, { kind: "ref", base: builder.parameter(local + 1), offset: 0, region, layout, align: 8 }, at);
  });
  lowerStatements(l, callback.body);
  if (!builder.terminated) l.leave(l.constant(0, callback.at), callback.at);
  const fn = builder.finish();
  return [callback.kind === "timer" ? { ...fn, asynchronous: true } : fn, ...l.subprograms];
}
