import * as b from "../hir/build.ts";
import { boolType } from "../hir/types.ts";
import { type Case, header, length, now, runCases, u8, withView } from "./testing.ts";

const ranges: readonly Case[] = [
  ["a sum of 32-bit values", undefined, () => [b.evaluate(b.add(length(), length()))]],
  ["a product of two 32-bit values", "IOV4001", () => [b.evaluate(b.binary("multiply", length(), length()))]],
  [
    "a product of a 32-bit and a 16-bit value",
    undefined,
    () => [b.evaluate(b.binary("multiply", length(), b.convert("u16", length())))],
  ],
  ["the negation of the least number", "IOV4001", () => [b.evaluate(b.negate(b.number(-(2n ** 63n))))]],
  ["a u64 product, which wraps", undefined, () => [b.evaluate(b.binary("multiply", now(), now()))]],
  ["a constant that does not fit its variable", "IOV4002", (l) => [l.let("x", b.number(300), "u8")[0]]],
  ["a negative constant in an unsigned variable", "IOV4002", (l) => [l.let("x", b.number(-1), "u32")[0]]],
  ["a narrowing store without a proof", "IOV4002", (l) => [l.let("x", length(), "u16")[0]]],
  ["an explicit conversion", undefined, (l) => [l.let("x", b.convert("u16", length()), "u16")[0]]],
  ["masking", undefined, (l) => [l.let("x", b.binary("and", length(), b.number(0xff)), "u8")[0]]],
  ["a shift right", undefined, (l) => [l.let("x", b.binary("shiftRightUnsigned", length(), b.number(24)), "u8")[0]]],
  ["a remainder", undefined, (l) => [l.let("x", b.binary("remainder", length(), b.number(256)), "u8")[0]]],
  [
    "a remainder by what may be zero",
    "IOV4002",
    (l) => [l.let("x", b.binary("remainder", length(), u8(length())), "u8")[0]],
  ],
  ["a quotient", undefined, (l) => [l.let("x", b.binary("divide", length(), b.number(2 ** 24)), "u8")[0]]],
  [
    "a field in a variable of its width",
    undefined,
    (l) => withView(l, (view) => [l.let("x", b.load(b.field(view, "small")), "u8")[0]]),
  ],
  [
    "a field in a narrower variable",
    "IOV4002",
    (l) => withView(l, (view) => [l.let("x", b.load(b.field(view, "word")), "u16")[0]]),
  ],
  [
    "a bit field, whose width bounds it",
    undefined,
    (l) =>
      withView(l, (view) => [
        b.evaluate(
          b.load(
            b.element(b.field(view, "list"), b.binary("shiftRight", b.load(b.field(view, "nibble")), b.number(1))),
          ),
        ),
      ]),
  ],
  [
    "a store that does not fit a bit field",
    "IOV4002",
    (l) => withView(l, (view) => [b.store(b.field(view, "nibble"), b.load(b.field(view, "small")))]),
  ],
  [
    "a field of a new struct that does not fit",
    "IOV4002",
    () => [b.evaluate(b.newStruct(header, [{ path: [1], value: length() }]))],
  ],
  [
    "a key that does not fit",
    "IOV4002",
    () => [b.evaluate(b.operation("map.delete", [b.add(length(), b.number(1))], boolType, { map: 0 }))],
  ],
  ["an operation's argument that does not fit", "IOV4002", () => [b.evaluate(b.pushVlan(length()))]],
  ["a shift by a constant", undefined, () => [b.evaluate(b.binary("shiftLeft", length(), b.number(31)))]],
  ["a shift by 32", "IOV4003", () => [b.evaluate(b.binary("shiftLeft", length(), b.number(32)))]],
  ["a shift by a variable", "IOV4003", () => [b.evaluate(b.binary("shiftLeft", length(), u8(length())))]],
  [
    "a shift by a masked variable",
    undefined,
    () => [b.evaluate(b.binary("shiftLeft", length(), b.binary("and", length(), b.number(31))))],
  ],
  ["a u64 shift by 63", undefined, () => [b.evaluate(b.binary("shiftRight", now(), b.wide(63)))]],
  ["a u64 shift by 64", "IOV4003", () => [b.evaluate(b.binary("shiftRight", now(), b.wide(64)))]],
  [
    "an index that is masked",
    undefined,
    (l) =>
      withView(l, (view) => [
        b.evaluate(b.load(b.element(b.field(view, "list"), b.binary("and", length(), b.number(7))))),
      ]),
  ],
  [
    "an index that is not bounded",
    "IOV4004",
    (l) => withView(l, (view) => [b.evaluate(b.load(b.element(b.field(view, "list"), u8(length()))))]),
  ],
  [
    "an index below zero",
    "IOV4004",
    (l) => withView(l, (view) => [b.evaluate(b.load(b.element(b.field(view, "list"), b.number(-1))))]),
  ],
  ["a u64 as number", "IOV4005", () => [b.evaluate(b.convert("number", now()))]],
  ["an i64 as number", undefined, () => [b.evaluate(b.convert("number", b.convert("i64", now())))]],
  [
    "a u64 that was tested, as number",
    undefined,
    (l) => {
      const [letIt, time] = l.let("time", now());
      return [
        letIt,
        b.when(b.compare("less", l.use(time), b.wide(1000)), [l.let("x", b.convert("number", l.use(time)), "u16")[0]]),
      ];
    },
  ],
];

runCases("ranges", ranges);
