import assert from "node:assert/strict";
import { test } from "node:test";
import * as b from "../hir/build.ts";
import { packPosition } from "../hir/position.ts";
import { boolType, numberType, refType } from "../hir/types.ts";
import { type Case, findings, header, length, popVlan, runCases, tailCall, withValue, withView } from "./testing.ts";

const references: readonly Case[] = [
  [
    "a view that is not tested",
    "IOV4009",
    (l) => {
      const [letView, view] = l.let("view", b.packetAt(b.number(0), header));
      return [letView, b.evaluate(b.unwrap(l.use(view)))];
    },
  ],
  [
    "a view that is tested in another branch",
    "IOV4009",
    (l) => {
      const [letView, view] = l.let("view", b.packetAt(b.number(0), header));
      return [letView, b.when(b.present(l.use(view)), []), b.evaluate(b.unwrap(l.use(view)))];
    },
  ],
  [
    "a view after a change of the packet",
    "IOV4008",
    (l) => withView(l, (view) => [popVlan(), b.evaluate(b.load(b.field(view, "word")))]),
  ],
  [
    "a view that was made anew",
    undefined,
    (l) => {
      const again = withView(l, (view) => [b.evaluate(b.load(b.field(view, "word")))]);
      return [...withView(l, () => [popVlan()]), ...again];
    },
  ],
  [
    "a view after a change on one path",
    "IOV4008",
    (l) =>
      withView(l, (view) => [
        b.when(b.compare("less", length(), b.number(99)), [popVlan()]),
        b.evaluate(b.load(b.field(view, "word"))),
      ]),
  ],
  [
    "a view after a change on a path that returns",
    undefined,
    (l) =>
      withView(l, (view) => [
        b.when(b.compare("less", length(), b.number(99)), [popVlan(), b.giveBack(b.pass())]),
        b.evaluate(b.load(b.field(view, "word"))),
      ]),
  ],
  [
    "a view after a tail call that came back",
    "IOV4008",
    (l) => withView(l, (view) => [tailCall(), b.evaluate(b.load(b.field(view, "word")))]),
  ],
  [
    "a view that was made anew after a tail call",
    undefined,
    (l) => [tailCall(), ...withView(l, (view) => [b.evaluate(b.load(b.field(view, "word")))])],
  ],
  [
    "a view in the round after a change",
    "IOV4008",
    (l) =>
      withView(l, (view) => {
        const i = l.declare("i", numberType);
        return [b.loop(i, b.number(0), b.number(3), [b.evaluate(b.load(b.field(view, "word"))), popVlan()])];
      }),
  ],
  [
    "a view in a loop that ends with the change",
    undefined,
    (l) =>
      withView(l, (view) => {
        const i = l.declare("i", numberType);
        const body = [
          b.evaluate(b.load(b.field(view, "word"))),
          b.when(b.compare("less", length(), b.number(99)), [popVlan(), b.leave(4)]),
        ];
        return [b.loop(i, b.number(0), b.number(3), body, { label: 4 })];
      }),
  ],
  [
    "a view that goes stale inside of an expression",
    "IOV4008",
    (l) =>
      withView(l, (view) => [
        b.store(b.field(view, "small"), b.convert("u8", b.operation("packet.popVlan", [], boolType))),
      ]),
  ],
  [
    "a stale view that is only tested",
    "IOV4008",
    (l) => {
      const [letView, view] = l.let("view", b.packetAt(b.number(0), header));
      return [letView, popVlan(), b.when(b.present(l.use(view)), [])];
    },
  ],
  [
    "a map's value after a change of the packet",
    undefined,
    (l) => withValue(l, 0, (value) => [popVlan(), b.evaluate(b.load(b.field(value, "word")))]),
  ],
  [
    "a reference that is assigned on every path",
    undefined,
    (l) => {
      const [letIt, ref] = l.empty("ref", refType("local", header));
      const other = b.newStruct(header);
      return [
        letIt,
        b.when(b.compare("less", length(), b.number(9)), [b.assign(ref, b.newStruct(header))], [b.assign(ref, other)]),
        b.evaluate(b.load(b.field(l.use(ref), "word"))),
      ];
    },
  ],
  [
    "a reference that is assigned on one path",
    "IOV4021",
    (l) => {
      const [letIt, ref] = l.empty("ref", refType("local", header));
      return [
        letIt,
        b.when(b.compare("less", length(), b.number(9)), [b.assign(ref, b.newStruct(header))]),
        b.evaluate(b.load(b.field(l.use(ref), "word"))),
      ];
    },
  ],
];

runCases("references", references);
test("a stale view names the line of the change", () => {
  const [finding] = findings((l) =>
    withView(l, (view) => [
      b.evaluate(b.placed(b.operation("packet.popVlan", [], boolType), packPosition(0, 12, 3))),
      b.evaluate(b.placed(view, packPosition(0, 14, 1))),
    ]),
  );
  assert.match(finding?.message ?? "", /changed at line 12/);
});
