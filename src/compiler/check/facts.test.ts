import * as b from "../hir/build.ts";
import type { BinaryOperator, Expression, Statement } from "../hir/tree.ts";
import { numberType } from "../hir/types.ts";
import { type Case, length, popVlan, runCases, setting, withValue, withView } from "./testing.ts";

/** Good for 0 to 2: shifts by 29 more. */
const use = (value: Expression): Statement =>
  b.evaluate(b.binary("shiftLeft", b.number(1), b.add(value, b.number(29))));

const cut = (value: Expression, operator: BinaryOperator = "and", by = 3): Expression =>
  b.binary(operator, value, b.number(by));

/** Leaves when the value is 3, does something, and uses the value. */
function tested(make: () => Expression, between: readonly Statement[] = []): readonly Statement[] {
  const leave = b.when(b.compare("greater", make(), b.number(2)), [b.giveBack(b.drop())]);
  return [leave, ...between, use(make())];
}

const prefix = setting("inside", { kind: "formatted", format: "cidr4" }, { address: 0n, length: 8n });
const prefix6 = setting("inside", { kind: "formatted", format: "cidr6" }, { address: 0n, length: 8n });
const prefixLength = b.setting(["inside", "length"], numberType, "u8");

/** What a prefix leaves of a number of bits must not be negative. */
const behind = (l: b.Locals, most: number): readonly Statement[] => {
  const rest = b.binary("subtract", b.number(most), prefixLength);
  return [l.let("rest", rest, "u8")[0]];
};

runCases("facts", [
  [
    "low bits of a variable",
    undefined,
    (l) => {
      const [letX, x] = l.let("x", length());
      return [letX, ...tested(() => cut(l.use(x)))];
    },
  ],
  [
    "low bits of a variable that is assigned to in between",
    "IOV4003",
    (l) => {
      const [letX, x] = l.let("x", length());
      return [letX, ...tested(() => cut(l.use(x)), [b.assign(x, b.add(length(), b.number(1)))])];
    },
  ],
  [
    "low bits of another variable",
    "IOV4003",
    (l) => {
      const [letX, x] = l.let("x", length());
      const [letY, y] = l.let("y", length());
      return [letX, letY, ...tested(() => cut(l.use(x))), use(cut(l.use(y)))];
    },
  ],
  [
    "other bits of the same variable",
    "IOV4003",
    (l) => {
      const [letX, x] = l.let("x", length());
      return [letX, ...tested(() => cut(l.use(x))), use(cut(cut(l.use(x), "shiftRight", 2)))];
    },
  ],
  [
    "bits of bits",
    undefined,
    (l) => {
      const [letX, x] = l.let("x", length());
      return [letX, ...tested(() => cut(cut(l.use(x), "shiftRightUnsigned", 4), "remainder", 4))];
    },
  ],
  ["low bits of the packet's length", undefined, () => tested(() => cut(length()))],
  ["low bits of the packet's length after a change", "IOV4003", () => tested(() => cut(length()), [popVlan()])],
  [
    "low bits of a field of the packet",
    undefined,
    (l) => withView(l, (view) => tested(() => cut(b.load(b.field(view, "small"))))),
  ],
  [
    "low bits of a field of the packet that is written to in between",
    "IOV4003",
    (l) =>
      withView(l, (view) =>
        tested(() => cut(b.load(b.field(view, "small"))), [b.store(b.field(view, "small"), b.number(3))]),
      ),
  ],
  [
    "low bits of a live value",
    "IOV4003",
    (l) => withValue(l, 0, (value) => tested(() => cut(b.load(b.field(value, "small"))))),
  ],
  [
    "low bits of a variable that a loop assigns to",
    "IOV4003",
    (l) => {
      const [letX, x] = l.let("x", length());
      const i = l.declare("i", numberType);
      const leave = b.when(b.compare("greater", cut(l.use(x)), b.number(2)), [b.giveBack(b.drop())]);
      const body = [use(cut(l.use(x))), b.assign(x, length())];
      return [letX, leave, b.loop(i, b.number(0), b.number(4), body)];
    },
  ],
  [
    "low bits of a loop's counter, in each round",
    undefined,
    (l) => {
      const i = l.declare("i", numberType);
      const skip = b.when(b.compare("equal", cut(l.use(i)), b.number(3)), [b.next(1)]);
      return [b.loop(i, b.number(0), b.number(40), [skip, use(cut(l.use(i)))], { label: 1 })];
    },
  ],
  [
    "low bits of a loop's counter before they are tested",
    "IOV4003",
    (l) => {
      const i = l.declare("i", numberType);
      const skip = b.when(b.compare("equal", cut(l.use(i)), b.number(3)), [b.next(1)]);
      return [b.loop(i, b.number(0), b.number(40), [use(cut(l.use(i))), skip], { label: 1 })];
    },
  ],
  ["the length of an IPv4 prefix: at most 32", undefined, (l) => behind(l, 32), { settings: [prefix] }],
  ["the length of an IPv4 prefix: 32 as well", "IOV4002", (l) => behind(l, 31), { settings: [prefix] }],
  ["the length of an IPv6 prefix: at most 128", undefined, (l) => behind(l, 128), { settings: [prefix6] }],
  ["the length of an IPv6 prefix: 128 as well", "IOV4002", (l) => behind(l, 127), { settings: [prefix6] }],
] satisfies readonly Case[]);
