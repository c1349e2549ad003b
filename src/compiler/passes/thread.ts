import { graphOf } from "../ir/graph.ts";
import type { Block, Edge, Instruction, IrFunction, Terminator, Value } from "../ir/ir.ts";
import {
  blocksById,
  edgesOf,
  mapEdges,
  mapOperands,
  mapTerminator,
  operandsOf,
  resultOf,
  terminatorOperands,
} from "../ir/operands.ts";
import { constantOf, definitionsOf } from "./definitions.ts";
import { foldCompare } from "./fold.ts";

/**
 * Jump threading: an edge into a block that only passes on, or that only branches on what the edge itself decides
 * (a presence flag, a materialised condition), goes straight to where it ends up.
 */
export function threadJumps(fn: IrFunction): boolean {
  let changed = false;
  for (let round = 0; round < mostRounds; round++) {
    if (!threadOnce(fn)) break;
    fn.blocks = [...graphOf(fn).order];
    changed = true;
  }
  return mergeStraightLine(fn) || changed;
}

/** A bound for walks through passages: they may form a circle. */
export const longestWalk = 256;
const mostRounds = 8;

/** A block that computes nothing but constants, all of whose values stay inside of it. */
export interface Passage {
  readonly block: Block;
  readonly constants: ReadonlyMap<Value, bigint>;
}

function threadOnce(fn: IrFunction): boolean {
  const passages = passagesOf(fn);
  const blocks = blocksById(fn);
  const constants = constantValues(fn);
  let changed = false;
  for (const block of fn.blocks) {
    const added: Instruction[] = [];
    const made = new Map<Value, bigint>();
    block.terminator = mapEdges(block.terminator, (start) => {
      let edge = start;
      for (let step = 0; step < longestWalk; step++) {
        const passage = passages.get(edge.block);
        if (!passage || passage.block === block) break;
        const next = follow(passage, edge, (value) => made.get(value) ?? constants(value));
        if (!next || next.edge.block === edge.block || !blocks[next.edge.block]) break;
        edge = materialise(fn, next, added, made);
        changed = true;
      }
      return edge;
    });
    block.instructions.push(...added);
  }
  return changed;
}

function constantValues(fn: IrFunction): (value: Value) => bigint | undefined {
  const definitions = definitionsOf(fn);
  return (value) => constantOf(definitions, value);
}

export function passagesOf(fn: IrFunction): ReadonlyMap<number, Passage> {
  const passages = new Map<number, Passage>();
  const users = outsideUsers(fn);
  for (const block of fn.blocks.slice(1)) {
    const constants = new Map<Value, bigint>();
    for (const instruction of block.instructions) {
      if (instruction.kind === "const") constants.set(instruction.result, instruction.value);
    }
    if (constants.size !== block.instructions.length) continue;
    const own = [...block.parameters, ...constants.keys()];
    if (own.some((value) => users.has(value))) continue;
    if (block.terminator.kind === "jump" || block.terminator.kind === "branch")
      passages.set(block.id, { block, constants });
  }
  return passages;
}

/** Values that are used in another block than the one that defines them. */
function outsideUsers(fn: IrFunction): ReadonlySet<Value> {
  const outside = new Set<Value>();
  for (const block of fn.blocks) {
    const own = new Set<Value>(block.parameters);
    for (const instruction of block.instructions) {
      const result = resultOf(instruction);
      if (result !== undefined) own.add(result);
    }
    const use = (value: Value): void => {
      if (!own.has(value)) outside.add(value);
    };
    for (const instruction of block.instructions) operandsOf(instruction).forEach(use);
    terminatorOperands(block.terminator).forEach(use);
    for (const edge of edgesOf(block.terminator)) edge.args.forEach(use);
  }
  return outside;
}

interface Followed {
  readonly edge: Edge;
  /** Constants of the passage that the new edge passes on. */
  readonly constants: ReadonlyMap<Value, bigint>;
  readonly at: number;
}

function follow(
  { block, constants }: Passage,
  edge: Edge,
  constantOfValue: (value: Value) => bigint | undefined,
): Followed | undefined {
  const passed = new Map(block.parameters.map((parameter, index) => [parameter, edge.args[index]!]));
  const value = (inner: Value): Value => passed.get(inner) ?? inner;
  const known = (inner: Value): bigint | undefined => constants.get(inner) ?? constantOfValue(value(inner));
  const out = wayOut(block.terminator, known);
  if (!out) return undefined;
  return { edge: { block: out.block, args: out.args.map(value) }, constants, at: block.terminator.at };
}

function wayOut(terminator: Terminator, known: (value: Value) => bigint | undefined): Edge | undefined {
  if (terminator.kind === "jump") return terminator.to;
  if (terminator.kind !== "branch") return undefined;
  const left = known(terminator.left);
  const right = known(terminator.right);
  if (left === undefined || right === undefined) return undefined;
  return foldCompare(terminator.op, terminator.width, left, right) ? terminator.then : terminator.otherwise;
}

/** Constants that stood in the passage get a copy where the edge now begins. */
export function materialise(
  fn: IrFunction,
  { edge, constants, at }: Followed,
  added: Instruction[],
  made: Map<Value, bigint>,
): Edge {
  const args = edge.args.map((value) => {
    const constant = constants.get(value);
    if (constant === undefined) return value;
    const result = fn.valueCount++;
    added.push({ kind: "const", result, value: constant, at });
    made.set(result, constant);
    return result;
  });
  return { block: edge.block, args };
}

/** A block that is the only way on from its only predecessor becomes a part of it. */
function mergeStraightLine(fn: IrFunction): boolean {
  const graph = graphOf(fn);
  const merged = new Map<number, Block>();
  const target = (block: Block): Block => {
    let current = block;
    for (let into = merged.get(current.id); into; into = merged.get(current.id)) current = into;
    return current;
  };
  const renamed = new Map<Value, Value>();
  for (const block of graph.order) {
    const [from, ...others] = graph.predecessors[block.id]!;
    if (from === undefined || others.length > 0) continue;
    const previous = target(graph.blocks[from]!);
    const { terminator } = previous;
    if (terminator.kind !== "jump" || terminator.to.block !== block.id || previous === block) continue;
    for (const [index, parameter] of block.parameters.entries()) renamed.set(parameter, terminator.to.args[index]!);
    previous.instructions.push(...block.instructions);
    previous.terminator = block.terminator;
    merged.set(block.id, previous);
  }
  if (merged.size === 0) return false;
  fn.blocks = fn.blocks.filter((block) => !merged.has(block.id));
  renameAll(fn, renamed);
  return true;
}

function renameAll(fn: IrFunction, renamed: ReadonlyMap<Value, Value>): void {
  if (renamed.size === 0) return;
  const resolve = (value: Value): Value => {
    let current = value;
    for (let next = renamed.get(current); next !== undefined; next = renamed.get(current)) current = next;
    return current;
  };
  for (const block of fn.blocks) {
    block.instructions = block.instructions.map((instruction) => mapOperands(instruction, resolve));
    block.terminator = mapTerminator(block.terminator, resolve);
  }
}
