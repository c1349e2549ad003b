import assert from "node:assert/strict";
import { test } from "node:test";
import * as b from "./build.ts";
import { type LoopFacts, LoopForms } from "./loop-forms.ts";
import type { ForStatement, Statement } from "./tree.ts";
import { numberType, voidType } from "./types.ts";

const statements = (count: number): readonly Statement[] =>
  Array.from({ length: count }, () => b.evaluate(b.packetLength()));

/** Which of some loops, the outermost first, each the whole body of the one before, are plain. */
function plain(
  rounds: readonly number[],
  innermost: readonly Statement[],
  facts: Partial<LoopFacts> = {},
): readonly boolean[] {
  const loops: ForStatement[] = [];
  b.program((l) => {
    let body = innermost;
    for (const count of rounds.toReversed()) {
      const loop = b.loop(l.declare("i", numberType), b.number(0), b.number(count), body);
      loops.unshift(loop as ForStatement);
      body = [loop];
    }
    return [...body, b.giveBack(b.pass())];
  });
  const trips = new Map(loops.map((loop, at) => [loop, BigInt(rounds[at]!)]));
  const forms = new LoopForms({ strategy: "iterator", trips: (loop) => trips.get(loop), walk: () => 0, ...facts });
  return loops.map((loop) => forms.isPlain(loop));
}

test("loops of few rounds with little in them are plain", () => {
  assert.deepEqual(plain([64], statements(5)), [true]);
  assert.deepEqual(plain([65], statements(5)), [false]);
  assert.deepEqual(plain([8, 8], statements(5)), [true, true]);
});

test("a loop of unknown length is not plain, nor is one around it", () => {
  assert.deepEqual(plain([2, 3], statements(1), { trips: () => undefined }), [false, false]);
  assert.deepEqual(plain([2, 65], statements(1)), [false, false]);
});

test("what is in a loop without rounds says nothing about the loops around it", () => {
  assert.deepEqual(plain([2, 0, 100], statements(1)), [true, true, false]);
});

test("loops in loops count with the rounds of both, as far as callbacks are dearer more of them", () => {
  assert.deepEqual(plain([16, 16], statements(10)), [false, true]);
  assert.deepEqual(plain([16, 16], statements(10), { strategy: "callback" }), [true, true]);
  assert.deepEqual(plain([16, 16], statements(40), { strategy: "callback" }), [false, true]);
});

test("a tail call keeps the loops around it plain", () => {
  const leave = b.evaluate(b.operation("program.tailCall", [b.number(1)], voidType, { map: 0 }));
  assert.deepEqual(plain([65, 100], [...statements(50), leave]), [true, true]);
});

test("where the verifier is to have little to do, none is plain that need not be", () => {
  assert.deepEqual(plain([2, 3], statements(1), { fewPaths: true }), [false, false]);
  const leave = b.evaluate(b.operation("program.tailCall", [b.number(1)], voidType, { map: 0 }));
  assert.deepEqual(plain([2], [leave], { fewPaths: true }), [true]);
});
