import { type Instruction, slotCount } from "../../bytecode/instruction.ts";
import type { Position } from "../hir/position.ts";
import { dominatorsOf } from "../ir/dominators.ts";
import { type Graph, graphOf } from "../ir/graph.ts";
import type { IrFunction, IrProgram } from "../ir/ir.ts";
import { loopsOf } from "../ir/loops.ts";
import { allocate } from "./allocate.ts";
import { checkAllocation } from "./check-allocation.ts";
import { addCheckpoints } from "./checkpoints.ts";
import { removeDead } from "./dead.ts";
import { Emitter } from "./emit.ts";
import type { Item } from "./final.ts";
import { lineUp } from "./layout.ts";
import { resolveJumps } from "./linear.ts";
import { orderBlocks } from "./order.ts";
import { select } from "./select.ts";
import { deepestChain, type FrameUse } from "./stack-depth.ts";
import { greatestObjects } from "./stack-objects.ts";
import { type CodegenOptions, lineOf, maxStack, StackTooLarge } from "./target.ts";
import { threadKnownBranches } from "./thread-known.ts";
import { tidyBlocks } from "./tidy-blocks.ts";

/** An `lddw` whose immediate the loader fills in. */
export interface MapReference {
  /** Index into `instructions`. */
  readonly index: number;
  readonly slot: number;
  /** The map's index in the module. */
  readonly map: number;
  /** The map's address, or the address of a byte of its only value. */
  readonly kind: "map" | "value";
  /** Of that byte; 0 for "map". */
  readonly offset: number;
}

/** A call of a kernel function: its BTF id goes into the immediate. */
export interface KfuncReference {
  readonly index: number;
  readonly slot: number;
  readonly name: string;
}

export interface CompiledFunction {
  readonly name: string;
  /** Where it starts. */
  readonly slot: number;
  readonly linkage: IrFunction["linkage"];
  readonly parameterKinds: IrFunction["parameterKinds"];
  /** Bytes of its frame in use. */
  readonly frameSize: number;
}

export interface LineEntry {
  readonly slot: number;
  readonly at: Position;
}

/** The code of a program, the entry function first. */
export interface CompiledFunctionSet {
  readonly instructions: readonly Instruction[];
  readonly mapReferences: readonly MapReference[];
  readonly kfuncs: readonly KfuncReference[];
  readonly functions: readonly CompiledFunction[];
  /** Ascending by slot; each function's first instruction has one. */
  readonly lines: readonly LineEntry[];
  /** Bytes of stack of the deepest chain of calls, frames rounded up as the kernel does. */
  readonly stackDepth: number;
}

/**
 * Generates bytecode for a program; the IR stays as it is. The result is the same for the same input.
 *
 * @throws StackTooLarge when a chain of calls needs more than 512 bytes of stack.
 */
export function generate(program: IrProgram, options: CodegenOptions): CompiledFunctionSet {
  const code = generateCalled(program, options);
  const functions = [...code.keys()];
  const generated = [...code.values()];
  const deepest = deepestChain(generated.map(({ use }) => use));
  if (deepest.size > maxStack) {
    const inChain = functions.filter(({ name }) => deepest.chain.includes(name));
    throw new StackTooLarge(deepest.size, deepest.chain, greatestObjects(inChain, options.nameOfPlace ?? lineOf));
  }
  return link(functions, generated, deepest.size);
}

/**
 * Code of the functions that the entry's code reaches, in the program's order: the kernel refuses code that nothing
 * reaches, and a call in the IR may stand on a way that turned out to be none.
 */
function generateCalled(program: IrProgram, options: CodegenOptions): ReadonlyMap<IrFunction, Generated> {
  const byName = new Map(program.functions.map((fn) => [fn.name, fn]));
  const made = new Map<IrFunction, Generated>();
  const work = program.functions.slice(0, 1);
  for (let fn = work.pop(); fn; fn = work.pop()) {
    if (made.has(fn)) continue;
    const generated = generateFunction(fn, options);
    made.set(fn, generated);
    work.push(...generated.use.callees.map((name) => byName.get(name)!));
  }
  return new Map(program.functions.flatMap((fn) => (made.has(fn) ? [[fn, made.get(fn)!] as const] : [])));
}

interface Generated {
  readonly items: readonly Item[];
  readonly use: FrameUse;
}

function generateFunction(fn: IrFunction, options: CodegenOptions): Generated {
  const graph = graphOf(fn);
  const loops = loopsOf(graph, dominatorsOf(graph));
  const { order, frequency } = orderBlocks(graph, loops.depth);
  const machine = select(graph, order, options.target);
  removeDead(machine);
  const allocated = allocate(machine, { graph, loops, frequency, registers: options.registers ?? 10 });
  if (options.checkAllocation) checkAllocation(machine, allocated);
  threadKnownBranches(allocated);
  const blocks = tidyBlocks(new Emitter(allocated, options.target).run());
  const checked = addCheckpoints(blocks, loops, options.target);
  const items = resolveJumps(lineUp(checked, loops, packetReaders(graph)), options.target);
  const callees = items.flatMap(({ link }) => (link?.kind === "function" ? [link.name] : []));
  const size = allocated.frameSize + (usesMayGoto(fn) ? mayGotoStack : 0);
  return { items, use: { name: fn.name, size, callees, asynchronous: fn.asynchronous === true } };
}

function packetReaders({ blocks }: Graph): (block: number) => boolean {
  return (id) => blocks[id]?.instructions.some((i) => i.kind === "load" && i.region === "packet") ?? false;
}

/** What the kernel adds to the frame of a function with `may_goto` (do_misc_fixups, kernel/bpf/verifier.c). */
const mayGotoStack = 16;

function usesMayGoto(fn: IrFunction): boolean {
  return fn.blocks.some(({ terminator }) => terminator.kind === "mayGoto");
}

/** Puts the functions behind each other and fills in what refers from one to another. */
function link(
  sources: readonly IrFunction[],
  generated: readonly Generated[],
  stackDepth: number,
): CompiledFunctionSet {
  const functions: CompiledFunction[] = [];
  let slot = 0;
  for (const [index, { items, use }] of generated.entries()) {
    const { name, linkage, parameterKinds } = sources[index]!;
    functions.push({ name, slot, linkage, parameterKinds, frameSize: use.size });
    for (const { instruction } of items) slot += slotCount(instruction);
  }
  const starts = new Map(functions.map((fn) => [fn.name, fn.slot]));
  const set = {
    instructions: [] as Instruction[],
    mapReferences: [] as MapReference[],
    kfuncs: [] as KfuncReference[],
    lines: [] as LineEntry[],
  };
  slot = 0;
  for (const { items } of generated) {
    let last: Position | undefined;
    for (const item of items) {
      const index = set.instructions.length;
      if (item.at !== last) set.lines.push({ slot, at: item.at });
      last = item.at;
      const { link: to } = item;
      if (to?.kind === "map") set.mapReferences.push({ index, slot, map: to.map, kind: "map", offset: 0 });
      if (to?.kind === "value") set.mapReferences.push({ index, slot, map: to.map, kind: "value", offset: to.offset });
      if (to?.kind === "kfunc") set.kfuncs.push({ index, slot, name: to.name });
      const target = to?.kind === "function" ? starts.get(to.name) : undefined;
      set.instructions.push(target === undefined ? item.instruction : withTarget(item.instruction, target - slot - 1));
      slot += slotCount(item.instruction);
    }
  }
  return { ...set, functions, stackDepth };
}

/** Local calls and function addresses hold the distance in slots from the next slot. */
function withTarget(instruction: Instruction, distance: number): Instruction {
  if (instruction.wide === undefined) return { ...instruction, imm: distance };
  return { ...instruction, imm: distance, wide: BigInt.asUintN(32, BigInt(distance)) };
}
