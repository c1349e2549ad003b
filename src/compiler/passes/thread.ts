import { graphOf } from "../ir/graph.ts";
import type { Block, Edge, Instruction, IrFunction, Terminator, Value } from "../ir/ir.ts";
import {
  blocksById,
  edgesOf,
  forEachOperand,
  forEachTerminatorValue,
  mapEdges,
  mapTerminator,
  mapValues,
  replaceInstructions,
  resultOf,
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
export type Passage = Block;

function threadOnce(fn: IrFunction): boolean {
  const passages = passagesOf(fn);
  if (passages.length === 0) return false;
  const blocks = blocksById(fn);
  const definitions = definitionsOf(fn);
  const known = (value: Value): bigint | undefined => constantOf(definitions, value);
  let changed = false;
  for (const block of fn.blocks) {
    if (!leadsToPassage(block, passages)) continue;
    block.terminator = mapEdges(block.terminator, (start) => {
      let edge = start;
      for (let step = 0; step < longestWalk; step++) {
        const passage = passages[edge.block];
        if (!passage || passage === block) break;
        const next = follow(passage, edge, known);
        if (!next || next.block === edge.block || !blocks[next.block]) break;
        edge = materialise(fn, definitions, next, passage, block.instructions);
        changed = true;
      }
      return edge;
    });
  }
  return changed;
}

export function leadsToPassage({ terminator }: Block, passages: Passages): boolean {
  return edgesOf(terminator).some((edge) => passages[edge.block]);
}

/** By block id; empty when there are none. */
export type Passages = readonly (Passage | undefined)[];

export function passagesOf(fn: IrFunction): Passages {
  const candidates = fn.blocks.filter(onlyPassesOn);
  const leaving = leavingValues(fn, candidates);
  const passages: Passage[] = [];
  for (const block of candidates) {
    if (block.parameters.some((value) => leaving[value])) continue;
    if (block.instructions.some((instruction) => leaving[resultOf(instruction)!])) continue;
    passages[block.id] = block;
  }
  return passages;
}

function onlyPassesOn({ instructions, terminator }: Block, index: number): boolean {
  if (index === 0 || (terminator.kind !== "jump" && terminator.kind !== "branch")) return false;
  return instructions.every(({ kind }) => kind === "const");
}

/** By value: 1 where one of these blocks defines it and another block uses it. */
function leavingValues(fn: IrFunction, blocks: readonly Block[]): Uint8Array {
  const leaving = new Uint8Array(fn.valueCount);
  if (blocks.every(({ parameters, instructions }) => parameters.length + instructions.length === 0)) return leaving;
  const home = new Int32Array(fn.valueCount).fill(-1);
  for (const { id, parameters, instructions } of blocks) {
    for (const value of parameters) home[value] = id;
    for (const instruction of instructions) home[resultOf(instruction)!] = id;
  }
  let here = -1;
  const use = (value: Value): void => {
    if (home[value]! >= 0 && home[value] !== here) leaving[value] = 1;
  };
  for (const { id, instructions, terminator } of fn.blocks) {
    here = id;
    for (const instruction of instructions) forEachOperand(instruction, use);
    forEachTerminatorValue(terminator, use);
  }
  return leaving;
}

/** Where an edge into a passage ends up, as far as that is known. */
function follow(passage: Passage, edge: Edge, constantOfValue: (value: Value) => bigint | undefined): Edge | undefined {
  const value = (inner: Value): Value => edge.args[passage.parameters.indexOf(inner)] ?? inner;
  const out = wayOut(passage.terminator, (inner) => constantOfValue(value(inner)));
  return out && { block: out.block, args: mapValues(out.args, value) };
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
  definitions: (Instruction | undefined)[],
  edge: Edge,
  { instructions, terminator }: Passage,
  added: Instruction[],
): Edge {
  if (instructions.length === 0) return edge;
  const args = edge.args.map((value) => {
    const own = instructions.find((instruction) => resultOf(instruction) === value);
    if (own?.kind !== "const") return value;
    const copy: Instruction = { kind: "const", result: fn.valueCount++, value: own.value, at: terminator.at };
    definitions[copy.result] = copy;
    added.push(copy);
    return copy.result;
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
  if (renamed.size > 0) renameAll(fn, renamed);
  return true;
}

function renameAll(fn: IrFunction, renamed: ReadonlyMap<Value, Value>): void {
  const resolve = (value: Value): Value => {
    let current = value;
    for (let next = renamed.get(current); next !== undefined; next = renamed.get(current)) current = next;
    return current;
  };
  for (const block of fn.blocks) {
    replaceInstructions(block, resolve);
    block.terminator = mapTerminator(block.terminator, resolve);
  }
}
