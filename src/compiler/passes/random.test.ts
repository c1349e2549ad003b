import assert from "node:assert/strict";
import { test } from "node:test";
import { type Graph, graphOf } from "../ir/graph.ts";
import { interpret } from "../ir/interpret.ts";
import type { Instruction, IrFunction, IrProgram } from "../ir/ir.ts";
import { edgesOf, mapEdges } from "../ir/operands.ts";
import { RandomSource, randomIr } from "../ir/random.ts";
import { printIr } from "../ir/text.ts";
import { assertIr } from "../ir/verify.ts";
import { useDerivedBounds } from "./derived-bounds.ts";
import { optimize, type Pass, passes } from "./index.ts";
import { splitJoins } from "./split-joins.ts";

const seedCount = 60;
/** getPrandomU32: no pass may drop, repeat or move a call of it. */
const random = 7;

function programOf(seed: number): IrProgram {
  return randomIr(seed, { size: 20 + (seed % 5) * 30, helpers: [random] });
}

/** What the program returns, and leaves in memory. */
function outcome(program: IrProgram, seed: number): readonly [bigint, Uint8Array] {
  const source = new RandomSource(seed ^ 0x5555);
  const memory = Uint8Array.from({ length: 256 }, () => source.below(256));
  let count = 0n;
  const call = () => (++count * 0x1234_5678_9abc_def1n) & 0xffff_ffffn;
  return [interpret(program, { memory, call }), memory];
}

/** The same, but joins outside of loops branch on a flag that their edges bring, as optionals make them. */
function withFlags(seed: number): IrProgram {
  const program = programOf(seed);
  const source = new RandomSource(seed ^ 0x3333);
  for (const fn of program.functions) {
    const graph = graphOf(fn);
    const constants = [0n, 1n].map((value): Instruction => ({ kind: "const", result: fn.valueCount++, value, at: 0 }));
    fn.blocks[0]!.instructions.unshift(...constants);
    const flags = [constants[0]!, constants[1]!].map((one) => ("result" in one ? one.result! : 0));
    for (const { id } of graph.order) plantFlag(fn, graph, id, flags, source);
  }
  return program;
}

function plantFlag(fn: IrFunction, graph: Graph, id: number, flags: readonly number[], source: RandomSource): void {
  const block = graph.blocks[id]!;
  if (block.terminator.kind !== "branch" || graph.predecessors[id]!.length < 2 || reaches(graph, id, id)) return;
  const flag = fn.valueCount++;
  // A parameter of the predecessor is a flag that is not known.
  for (const from of new Set(graph.predecessors[id]!)) {
    const before = graph.blocks[from]!;
    before.terminator = mapEdges(before.terminator, (edge) => {
      if (edge.block !== id) return edge;
      const unknown = source.below(4) === 0 ? before.parameters[0] : undefined;
      return { block: id, args: [...edge.args, unknown ?? flags[source.below(2)]!] };
    });
  }
  block.parameters.push(flag);
  if (block.terminator.kind !== "branch") return;
  block.terminator = { ...block.terminator, op: "eq", width: 64, left: flag, right: flags[source.below(2)]! };
}

function reaches(graph: Graph, from: number, to: number): boolean {
  const seen = new Set<number>();
  const work = [from];
  for (let id = work.pop(); id !== undefined; id = work.pop()) {
    for (const { block } of edgesOf(graph.blocks[id]!.terminator)) {
      if (block === to) return true;
      if (!seen.has(block)) work.push(block);
      seen.add(block);
    }
  }
  return false;
}

function compare(change: (program: IrProgram) => boolean, make = programOf): number {
  const first = Date.now() % 1_000_000;
  let changed = 0;
  for (let seed = first; seed < first + seedCount; seed++) {
    const program = make(seed);
    if (change(program)) changed++;
    assertIr(program);
    const context = `seed ${seed}\n${printIr(make(seed))}\nbecame\n${printIr(program)}`;
    assert.deepEqual(outcome(program, seed), outcome(make(seed), seed), context);
  }
  return changed;
}

function everyFunction(pass: Pass["run"]): (program: IrProgram) => boolean {
  return (program) => program.functions.map((fn) => pass(fn)).includes(true);
}

for (const { name, run } of [...passes, { name: "derived-bounds", run: useDerivedBounds }]) {
  test(`${name}: random programs do what they did before`, (t) => {
    t.diagnostic(`${compare(everyFunction(run))} of ${seedCount} programs changed`);
  });
}

test("split-joins: random programs with flags do what they did before", (t) => {
  const changed = compare(everyFunction(splitJoins), withFlags);
  t.diagnostic(`${changed} of ${seedCount} programs changed`);
  assert.ok(changed > 0);
});

test("all passes: random programs with flags do what they did before", () => {
  compare((program) => {
    optimize(program);
    return true;
  }, withFlags);
});

test("all passes: random programs do what they did before", () => {
  compare((program) => {
    optimize(program);
    return true;
  });
});
