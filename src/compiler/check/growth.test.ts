import * as b from "../hir/build.ts";
import type { Expression, Statement } from "../hir/tree.ts";
import { numberType } from "../hir/types.ts";
import { type Case, length, runCases, withView } from "./testing.ts";

const odd = (): Expression => b.compare("equal", b.binary("and", length(), b.number(1)), b.number(1));
const plus = (value: Expression, more: number): Expression => b.add(value, b.number(more));

/** A loop that does something to a number that begins at 0, in a variable of a width, and what follows. */
function growing(
  l: b.Locals,
  rounds: number,
  width: "u8" | "u16" | undefined,
  grow: (value: () => Expression, local: number) => readonly Statement[],
  after: (value: Expression) => readonly Statement[] = () => [],
): readonly Statement[] {
  const [letIt, local] = l.let("x", b.number(0), width);
  const i = l.declare("i", numberType);
  const body = grow(() => l.use(local), local);
  return [letIt, b.loop(i, b.number(0), b.number(rounds), body, { label: 9 }), ...after(l.use(local))];
}

/** A use as an index of 8 elements. */
const indexing = (l: b.Locals, value: Expression): readonly Statement[] =>
  withView(l, (view) => [b.evaluate(b.load(b.element(b.field(view, "list"), value)))]);

const asByte = (l: b.Locals, value: Expression): readonly Statement[] => [l.let("byte", value, "u8")[0]];

/** The same twice: with the most rounds or elements that are good, and with more. */
function pair(
  what: string,
  good: number,
  bad: number,
  code: string,
  make: (l: b.Locals, n: number) => readonly Statement[],
) {
  const accepted: Case = [`${what} (${good})`, undefined, (l) => make(l, good)];
  const refused: Case = [`${what} (${bad})`, code, (l) => make(l, bad)];
  return [accepted, refused];
}

runCases("growth", [
  ...pair("a count that is reset on the other way", 254, 256, "IOV4002", (l, rounds) =>
    growing(l, rounds, "u8", (x, to) => [b.when(odd(), [b.assign(to, plus(x(), 1))], [b.assign(to, b.number(0))])]),
  ),
  ...pair("what is left of a count behind the loop", 255, 256, "IOV4002", (l, rounds) =>
    growing(
      l,
      rounds,
      undefined,
      (x, to) => [b.when(odd(), [b.assign(to, plus(x(), 1))], [b.assign(to, b.number(0))])],
      (x) => asByte(l, x),
    ),
  ),
  ...pair("additions to what it was set to", 100, 130, "IOV4002", (l, rounds) =>
    growing(l, rounds, "u8", (x, to) => [b.assign(to, b.conditional(odd(), plus(x(), 2), b.number(7)))]),
  ),
  ...pair("a count that stays at its greatest", 7, 8, "IOV4004", (l, most) =>
    growing(
      l,
      64,
      undefined,
      (x, to) => {
        const room = b.compare("less", x(), b.number(most));
        return [b.assign(to, b.conditional(room, plus(x(), 1), b.number(most)))];
      },
      (x) => indexing(l, x),
    ),
  ),
  ...pair("two ways that add differently", 15, 30, "IOV4002", (l, rounds) =>
    growing(
      l,
      rounds,
      undefined,
      (x, to) => [b.assign(to, b.add(x(), b.conditional(odd(), b.number(16), b.binary("and", length(), b.number(7)))))],
      (x) => asByte(l, x),
    ),
  ),
  ...pair("additions through a conversion", 63, 64, "IOV4002", (l, rounds) =>
    growing(
      l,
      rounds,
      "u16",
      (x, to) => [b.assign(to, b.convert("u16", plus(x(), 4)))],
      (x) => asByte(l, x),
    ),
  ),
  [
    "a difference that a conversion wraps",
    "IOV4004",
    (l) =>
      growing(l, 4, undefined, (x, to) => [
        ...indexing(l, x()),
        b.assign(to, b.convert("u8", b.binary("subtract", x(), b.number(1)))),
      ]),
  ],
  ...pair("additions to a copy", 51, 52, "IOV4002", (l, rounds) =>
    growing(
      l,
      rounds,
      undefined,
      (x, to) => {
        const [letBefore, before] = l.let("before", x());
        return [letBefore, b.assign(to, plus(plus(l.use(before), 2), 3))];
      },
      (x) => asByte(l, x),
    ),
  ),
  [
    "additions to a copy that is multiplied first",
    "IOV4002",
    (l) =>
      growing(
        l,
        10,
        undefined,
        (x, to) => {
          const [letBefore, before] = l.let("before", x());
          const times = b.assign(before, b.binary("multiply", b.convert("i32", l.use(before)), b.number(3)));
          return [letBefore, times, b.assign(to, plus(l.use(before), 1))];
        },
        (x) => asByte(l, x),
      ),
  ],
  ...pair("the additions of a loop in a loop", 5, 6, "IOV4002", (l, rounds) =>
    growing(
      l,
      10,
      undefined,
      (x, to) => {
        const j = l.declare("j", numberType);
        const add = b.when(odd(), [b.assign(to, plus(x(), 5))], [b.assign(to, b.number(1))]);
        return [b.loop(j, b.number(0), b.number(rounds), [add])];
      },
      (x) => asByte(l, x),
    ),
  ),
  ...pair("sums of u64", 7, 8, "IOV4004", (l, rounds) => {
    const [letIt, local] = l.let("wide", b.wide(0));
    const i = l.declare("i", numberType);
    const add = b.when(odd(), [b.assign(local, b.add(l.use(local), b.wide(1)))], [b.assign(local, b.wide(0))]);
    return [letIt, b.loop(i, b.number(0), b.number(rounds), [add]), ...indexing(l, b.convert("number", l.use(local)))];
  }),
  [
    "differences of u64, which wrap",
    "IOV4003",
    (l) => {
      const [letIt, local] = l.let("wide", b.wide(3));
      const i = l.declare("i", numberType);
      const less = b.assign(local, b.binary("subtract", l.use(local), b.wide(1)));
      const shifted = b.binary("shiftLeft", b.wide(1), l.use(local));
      return [letIt, b.loop(i, b.number(0), b.number(5), [less]), b.evaluate(shifted)];
    },
  ],
  ...pair("what is set before jumps out of loops", 8, 9, "IOV4004", (l, rows) => {
    const [letRow, row] = l.let("row", b.number(0));
    const [r, j] = [l.declare("r", numberType), l.declare("j", numberType)];
    const cell = (value: number) => b.compare("equal", b.binary("and", length(), b.number(3)), b.number(value));
    const inner = b.loop(
      j,
      b.number(0),
      b.number(16),
      [b.when(cell(1), [b.next(1)]), b.when(cell(2), [b.assign(row, l.use(r)), b.leave(1)])],
      { label: 2 },
    );
    return [letRow, b.loop(r, b.number(0), b.number(rows), [inner], { label: 1 }), ...indexing(l, l.use(row))];
  }),
  ...pair("what is set before a jump out of a block", 8, 9, "IOV4004", (l, rounds) => {
    const [letLast, last] = l.let("last", b.number(0));
    const j = l.declare("j", numberType);
    const body = [b.when(odd(), [b.leave(1)]), b.assign(last, l.use(j))];
    return [
      letLast,
      b.block(1, [b.loop(j, b.number(0), b.number(rounds), body, { label: 2 }), b.assign(last, b.number(0))]),
      ...indexing(l, l.use(last)),
    ];
  }),
  ...pair("a count through names, as in an object that is assigned as a whole", 84, 128, "IOV4002", (l, rounds) =>
    growing(l, rounds, "u8", (x, to) => {
      const [letMore, more] = l.let("more", plus(x(), 1));
      const [letMost, most] = l.let("most", plus(l.use(more), 1));
      return [letMore, letMost, b.when(odd(), [b.assign(to, l.use(most))], [b.assign(to, l.use(more))])];
    }),
  ),
  [
    "names that are made of names twice, many times over",
    undefined,
    (l) =>
      growing(l, 8, undefined, (_x, to) => {
        const names: Statement[] = [];
        let last = b.binary("and", length(), b.number(1));
        for (let count = 0; count < 40; count++) {
          const [letNext, next] = l.let(`name${count}`, b.binary("and", b.add(last, last), b.number(1)));
          names.push(letNext);
          last = l.use(next);
        }
        return [...names, b.assign(to, last)];
      }),
  ],
]);
