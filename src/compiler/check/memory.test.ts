import assert from "node:assert/strict";
import { test } from "node:test";
import * as b from "../hir/build.ts";
import type { Expression } from "../hir/tree.ts";
import { boolType, i64Type, numberType, optionalType, refType, verdictType, voidType } from "../hir/types.ts";
import { type Case, codesOf, length, locked, now, runCases, withValue, withView } from "./testing.ts";

const lockOf = (value: Expression) => b.field(value, "lock");

const memory: readonly Case[] = [
  [
    "an atomic on a native 64-bit field",
    undefined,
    (l) =>
      withValue(l, 0, (value) => [
        b.evaluate(b.operation("atomic.add", [b.field(value, "wide"), b.wide(1)], voidType)),
      ]),
  ],
  [
    "an atomic on a 16-bit field",
    "IOV4011",
    (l) =>
      withValue(l, 0, (value) => [
        b.evaluate(b.operation("atomic.add", [b.field(value, "kind"), b.number(1)], voidType)),
      ]),
  ],
  [
    "an atomic on a view",
    "IOV4011",
    (l) => withView(l, (view) => [b.evaluate(b.operation("atomic.add", [b.field(view, "wide"), b.wide(1)], voidType))]),
  ],
  [
    "a lock around stores",
    undefined,
    (l) => withValue(l, 1, (value) => [b.lock(lockOf(value), [b.store(b.field(value, "count"), b.number(1))])]),
  ],
  [
    "a call into the kernel while a lock is held",
    "IOV4010",
    (l) => withValue(l, 1, (value) => [b.lock(lockOf(value), [b.store(b.field(value, "total"), now())])]),
  ],
  [
    "a return while a lock is held",
    "IOV4010",
    (l) => withValue(l, 1, (value) => [b.lock(lockOf(value), [b.giveBack(b.pass())])]),
  ],
  [
    "a loop while a lock is held",
    "IOV4010",
    (l) =>
      withValue(l, 1, (value) => {
        const i = l.declare("i", numberType);
        return [b.lock(lockOf(value), [b.loop(i, b.number(0), b.number(2), [])])];
      }),
  ],
  [
    "a break out of a lock",
    "IOV4010",
    (l) => withValue(l, 1, (value) => [b.block(5, [b.lock(lockOf(value), [b.leave(5)])])]),
  ],
  [
    "a break inside of a lock",
    undefined,
    (l) => withValue(l, 1, (value) => [b.lock(lockOf(value), [b.block(5, [b.leave(5)])])]),
  ],
  [
    "a copy of a value with a lock",
    "IOV4015",
    (l) => withValue(l, 1, (value) => [b.copy(value, b.newStruct(locked.value!))]),
  ],
  [
    "a get of a value with a lock",
    "IOV4015",
    () => [
      b.evaluate(b.operation("map.get", [b.number(1)], optionalType(refType("local", locked.value!)), { map: 1 })),
    ],
  ],
  [
    "a set of a value with a lock",
    undefined,
    () => [
      b.evaluate(
        b.operation("map.set", [b.number(1), b.newStruct(locked.value!)], boolType, { map: 1, constants: [0] }),
      ),
    ],
  ],
  ["a struct of 600 bytes", "IOV4020", (l) => [l.let("big", b.newStruct({ kind: "bytes", length: 600 }))[0]]],
  [
    "structs that are not there at the same time",
    undefined,
    (l) =>
      [0, 1, 2].map((each) =>
        b.when(b.compare("less", length(), b.number(each)), [
          l.let("big", b.newStruct({ kind: "bytes", length: 300 }))[0],
        ]),
      ),
  ],
  [
    "structs that are there at the same time",
    "IOV4020",
    (l) => [0, 1].map(() => l.let("big", b.newStruct({ kind: "bytes", length: 300 }))[0]),
  ],
  ["a verdict of another kind", "IOV4017", () => [b.evaluate(b.operation("verdict.allow", [], verdictType))]],
  ["an operation of tracers", "IOV4017", () => [b.evaluate(b.operation("process.id", [], numberType))]],
  ["the value of an i64", undefined, () => [b.evaluate({ kind: "constant", type: i64Type, value: -1n, at: 0 })]],
];

runCases("memory", memory);
test("keys with padding are refused", () => {
  const padded = b.struct("Key", { a: b.integer(8), b: b.integer(32) });
  const full = b.struct("Key", { a: b.integer(32), b: b.integer(32) });
  const withKey = (key: typeof padded) => b.module([], { maps: [b.map("hash", { key, value: b.integer(64) })] });
  assert.deepEqual(codesOf(withKey(padded)), ["IOV4016"]);
  assert.deepEqual(codesOf(withKey(full)), []);
});

test("locks live in hash and array maps only, once, and not in tracers", () => {
  const lru = { ...locked, kind: "lruHash" as const };
  assert.deepEqual(codesOf(b.module([], { maps: [lru] })), ["IOV4023"]);
  const twice = {
    ...locked,
    value: b.struct("Two", { a: { kind: "opaque", what: "spinLock" }, b: { kind: "opaque", what: "spinLock" } }),
  };
  assert.deepEqual(codesOf(b.module([], { maps: [twice] })), ["IOV4023"]);
  const tracer = b.program(
    () => [b.evaluate(b.operation("map.ref", [b.number(1)], optionalType(refType("map", locked.value!)), { map: 0 }))],
    { kind: "tracepoint", target: "a:b" },
  );
  assert.deepEqual(codesOf(b.module([tracer], { maps: [locked] })), ["IOV4023"]);
});
