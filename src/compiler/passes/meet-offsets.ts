import { type Graph, graphOf } from "../ir/graph.ts";
import type { Block, Edge, Instruction, IrFunction, Value } from "../ir/ir.ts";
import { edgesOf, mapTerminator, replaceInstructions } from "../ir/operands.ts";
import { constantOf, type Definitions, definitionsOf } from "./definitions.ts";
import { dropParameters } from "./simplify.ts";

/** What a byte holds. */
const greatest = 255n;

/**
 * Where paths meet that put a header at different places (behind no VLAN tag, one, two), the place goes through memory:
 * stored as the second byte of a word, read as that byte. To the verifier (check_stack_read_fixed_off, kernel/bpf) what
 * is read is any number up to 255. A constant in a register it would tell apart from the other path's, as an address is
 * made of it, and walk all that follows once for each path. To packets it is the store instead of a move, and the bound
 * of the place, which the load shows, is one comparison less. For machines of little-endian order.
 */
export function meetOffsets(fn: IrFunction): boolean {
  const graph = graphOf(fn);
  const definitions = definitionsOf(fn);
  const met = graph.order.flatMap((block) =>
    block.parameters.flatMap((parameter, index) =>
      isMetByConstants(graph, definitions, block, index) ? [{ block, parameter }] : [],
    ),
  );
  if (met.length === 0) return false;
  const offsets = packetOffsets(graph);
  const read = new Map<Value, Value>();
  for (const { block, parameter } of met) {
    if (!offsets.has(parameter)) continue;
    const index = block.parameters.indexOf(parameter);
    read.set(parameter, throughMemory(fn, graph, definitions, block, index));
    dropParameters(fn, block.id, [index]);
  }
  if (read.size === 0) return false;
  const map = (value: Value): Value => read.get(value) ?? value;
  for (const block of fn.blocks) {
    replaceInstructions(block, map);
    block.terminator = mapTerminator(block.terminator, map);
  }
  return true;
}

/** Values that are added to an address of the packet. */
function packetOffsets({ order }: Graph): ReadonlySet<Value> {
  const offsets = new Set<Value>();
  const addresses = new Set<Value>();
  for (const { instructions } of order.toReversed()) {
    for (const instruction of instructions.toReversed()) {
      if (isPacketAccess(instruction)) addresses.add(instruction.base);
      if (instruction.kind !== "address" || !addresses.has(instruction.result)) continue;
      addresses.add(instruction.base);
      offsets.add(instruction.index);
    }
  }
  return offsets;
}

type Access = Extract<Instruction, { readonly kind: "load" | "store" | "atomic" }>;

function isPacketAccess(instruction: Instruction): instruction is Access {
  return "region" in instruction && instruction.region === "packet";
}

/** Whether every way into a block, and none is from a loop's end, brings a small constant, and not all the same. */
function isMetByConstants(graph: Graph, definitions: Definitions, block: Block, index: number): boolean {
  const constants = new Set<bigint>();
  for (const from of graph.predecessors[block.id]!) {
    const [edge, ...others] = edgesTo(graph.blocks[from]!, block);
    const constant = others.length === 0 ? constantOf(definitions, edge!.args[index]!) : undefined;
    if (constant === undefined || constant > greatest || graph.position[from]! >= graph.position[block.id]!)
      return false;
    constants.add(constant);
  }
  return constants.size > 1;
}

function edgesTo({ terminator }: Block, to: Block): readonly Edge[] {
  return edgesOf(terminator).filter((edge) => edge.block === to.id);
}

/** Stores what each way brings for a parameter, and reads it in the block; gives what is read. */
function throughMemory(fn: IrFunction, graph: Graph, definitions: Definitions, block: Block, index: number): Value {
  const slot = fn.slots.length;
  fn.slots.push({ id: slot, size: 8, align: 8 });
  for (const from of graph.predecessors[block.id]!) {
    const source = graph.blocks[from]!;
    const value = constantOf(definitions, edgesTo(source, block)[0]!.args[index]!)!;
    const [base, word] = [fn.valueCount++, fn.valueCount++];
    const { at } = source.terminator;
    // All of the word: a part of it would keep what it held before alive.
    source.instructions.push(
      { kind: "slotAddress", result: base, slot, at },
      { kind: "const", result: word, value: value << 8n, at },
      { kind: "store", size: 8, base, offset: 0, value: word, region: "stack", at },
    );
  }
  const [base, result] = [fn.valueCount++, fn.valueCount++];
  const at = block.instructions[0]?.at ?? block.terminator.at;
  block.instructions.unshift(
    { kind: "slotAddress", result: base, slot, at },
    { kind: "load", result, size: 1, signed: false, base, offset: 1, region: "stack", at },
  );
  return result;
}
