import assert from "node:assert/strict";
import { test } from "node:test";
import * as b from "../hir/build.ts";
import type { Expression, Statement } from "../hir/tree.ts";
import { numberType } from "../hir/types.ts";
import { type Case, findings, length, runCases, tailCall, withView } from "./testing.ts";

function summing(
  l: b.Locals,
  rounds: Expression,
  more: (sum: number) => Statement,
  width: "u8" | "u16" | "u32" | undefined,
): Statement[] {
  const [letSum, sum] = l.let("sum", b.number(0), width);
  const i = l.declare("i", numberType);
  return [letSum, b.loop(i, b.number(0), rounds, [more(sum)], { label: 1 })];
}

const loops: readonly Case[] = [
  [
    "a sum over a counted loop",
    undefined,
    (l) => summing(l, b.number(100), (sum) => b.assign(sum, b.add(l.use(sum), b.convert("u16", length()))), "u32"),
  ],
  [
    "a sum that outgrows its variable",
    "IOV4002",
    (l) => summing(l, b.number(100), (sum) => b.assign(sum, b.add(l.use(sum), b.convert("u16", length()))), "u16"),
  ],
  [
    "a sum without a declared width",
    undefined,
    (l) => summing(l, b.number(100), (sum) => b.assign(sum, b.add(l.use(sum), length())), undefined),
  ],
  [
    "a product that grows in every round",
    "IOV4001",
    (l) => summing(l, b.number(100), (sum) => b.assign(sum, b.binary("multiply", l.use(sum), b.number(3))), undefined),
  ],
  [
    "a ring index",
    undefined,
    (l) =>
      summing(
        l,
        b.number(1000),
        (sum) => b.assign(sum, b.binary("and", b.add(l.use(sum), b.number(1)), b.number(7))),
        "u8",
      ),
  ],
  [
    "the counter of a loop by steps at its greatest",
    undefined,
    (l) => {
      const i = l.declare("i", numberType);
      const fits = l.let("x", b.binary("add", l.use(i), b.number(250)), "u8")[0];
      return [b.loop(i, b.number(1), b.number(9), [fits], { step: 4 })];
    },
  ],
  [
    "the counter of a loop by steps from an unknown number",
    "IOV4002",
    (l) => {
      const i = l.declare("i", numberType);
      const from = b.binary("and", length(), b.number(1));
      const fits = l.let("x", b.binary("add", l.use(i), b.number(250)), "u8")[0];
      return [b.loop(i, from, b.number(9), [fits], { step: 4 })];
    },
  ],
  [
    "the counter as an index",
    undefined,
    (l) =>
      withView(l, (view) => {
        const i = l.declare("i", numberType);
        return [b.loop(i, b.number(0), b.number(8), [b.evaluate(b.load(b.element(b.field(view, "list"), l.use(i))))])];
      }),
  ],
  [
    "the counter one beyond an array",
    "IOV4004",
    (l) =>
      withView(l, (view) => {
        const i = l.declare("i", numberType);
        return [b.loop(i, b.number(0), b.number(9), [b.evaluate(b.load(b.element(b.field(view, "list"), l.use(i))))])];
      }),
  ],
  [
    "a loop to a tested bound",
    undefined,
    (l) =>
      summing(l, b.binary("and", length(), b.number(63)), (sum) => b.assign(sum, b.add(l.use(sum), b.number(1))), "u8"),
  ],
  [
    "a loop without a bound",
    "IOV4006",
    (l) => summing(l, length(), (sum) => b.assign(sum, b.add(l.use(sum), b.number(1))), "u32"),
  ],
  [
    "four nested loops of many rounds",
    "IOV4007",
    (l) => {
      const counters = [0, 1, 2, 3].map((depth) => l.declare(`i${depth}`, numberType));
      return [
        counters.reduce<Statement>((body, i) => b.loop(i, b.number(0), b.number(5000), [body]), b.evaluate(length())),
      ];
    },
  ],
  [
    "three loops in one another, which are made so that the verifier checks them once",
    undefined,
    (l) => {
      const counters = [0, 1, 2].map((depth) => l.declare(`i${depth}`, numberType));
      const body = Array.from({ length: 20 }, () => b.evaluate(length()));
      return counters.reduce<readonly Statement[]>((inner, i) => [b.loop(i, b.number(0), b.number(30), inner)], body);
    },
  ],
  [
    "the same around a tail call, which only plain loops can be left by",
    "IOV4007",
    (l) => {
      const counters = [0, 1, 2].map((depth) => l.declare(`i${depth}`, numberType));
      const body = [...Array.from({ length: 20 }, () => b.evaluate(length())), tailCall()];
      return counters.reduce<readonly Statement[]>((inner, i) => [b.loop(i, b.number(0), b.number(30), inner)], body);
    },
  ],
  [
    "sums of sums in nested loops",
    undefined,
    (l) => {
      const [letSum, sum] = l.let("sum", b.number(0), "u16");
      const [i, j] = [l.declare("i", numberType), l.declare("j", numberType)];
      const inner = b.loop(j, b.number(0), b.number(10), [b.assign(sum, b.add(l.use(sum), l.use(j)))]);
      return [letSum, b.loop(i, b.number(0), b.number(10), [inner])];
    },
  ],
  [
    "a variable that grows by another that grows",
    "IOV4002",
    (l) => {
      const [letX, x] = l.let("x", b.number(0), "u8");
      const [letY, y] = l.let("y", b.number(0), "u8");
      const i = l.declare("i", numberType);
      const body = [b.assign(x, b.add(l.use(x), l.use(y))), b.assign(y, b.add(l.use(y), b.number(1)))];
      return [letX, letY, b.loop(i, b.number(0), b.number(100), body)];
    },
  ],
  [
    "a variable that a short loop lets grow by another",
    undefined,
    (l) => {
      const [letX, x] = l.let("x", b.number(0), "u8");
      const [letY, y] = l.let("y", b.number(0), "u8");
      const i = l.declare("i", numberType);
      const body = [b.assign(x, b.add(l.use(x), l.use(y))), b.assign(y, b.add(l.use(y), b.number(1)))];
      return [letX, letY, b.loop(i, b.number(0), b.number(10), body)];
    },
  ],
];

runCases("loops", loops);

test("a refusal for what the verifier would have to check tells how much that is", () => {
  const [finding] = findings((l) => {
    const counters = [0, 1, 2].map((depth) => l.declare(`i${depth}`, numberType));
    return counters.reduce<readonly Statement[]>(
      (inner, i) => [b.loop(i, b.number(0), b.number(60), inner)],
      [tailCall()],
    );
  });
  assert.match(finding!.message, /would have to check about \d{7} steps, 100000 are the most/);
});

test("loops that are nested as deeply as verification allows are checked in bounded time", () => {
  const started = performance.now();
  findings((l) => {
    const counters = Array.from({ length: 8 }, (_, depth) => l.declare(`i${depth}`, numberType));
    const [letSum, sum] = l.let("sum", b.number(0), "u32");
    const inner: Statement = b.assign(sum, b.convert("u32", b.add(l.use(sum), b.number(1))));
    return [letSum, counters.reduce((body, i) => b.loop(i, b.number(0), b.number(2), [body]), inner)];
  });
  assert.ok(performance.now() - started < 5000);
});
