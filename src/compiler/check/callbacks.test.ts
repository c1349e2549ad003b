import assert from "node:assert/strict";
import { test } from "node:test";
import * as b from "../hir/build.ts";
import type { Callback, Expression, MapDeclaration, Module, Program, Statement } from "../hir/tree.ts";
import { boolType, optionalType, refType, voidType } from "../hir/types.ts";
import { codesOf } from "./testing.ts";

const key = b.integer(32);
const value = b.struct("Slot", { timer: { kind: "opaque", what: "timer" }, count: b.integer(64) });
const slots = b.map("array", { name: "slots", key, value });
const others = b.map("hash", { name: "others", key, value });
const maps: readonly MapDeclaration[] = [slots, others];
const live = optionalType(refType("map", value));

function start(of: Expression, callback: number, map = 0): Statement {
  const parts = { map, constants: [callback] };
  return b.evaluate(b.operation("timer.start", [of, b.wide(1)], boolType, parts));
}

function forEach(callback: number, map = 0): Statement {
  return b.evaluate(b.operation("map.forEach", [], voidType, { map, constants: [callback] }));
}

function lookUp(map: number): Expression {
  return b.operation("map.ref", [b.number(0)], live, { map });
}

type Body = (key: Expression, value: Expression, locals: b.Locals) => readonly Statement[];

function callback(kind: Callback["kind"], make: Body, map = 0): Callback {
  return b.callback(kind, { map, key, value }, make);
}

/** A packet program that starts callback 0 on the value that a map's look-up gave. */
function starting(callbacks: readonly Callback[], map = 0, program: Partial<Program> = {}): Module {
  return modul(
    callbacks,
    (l) => {
      const [letSlot, slot] = l.let("slot", lookUp(map));
      return [letSlot, b.when(b.present(l.use(slot)), [start(b.unwrap(l.use(slot)), 0)])];
    },
    program,
  );
}

function modul(
  callbacks: readonly Callback[],
  make: (l: b.Locals) => readonly Statement[],
  program: Partial<Program> = {},
): Module {
  const named = callbacks.map((one, index) => ({ ...one, name: `callback${index}` }));
  const tracer = program.kind === "tracepoint";
  const main = b.program((l) => [...make(l), ...(tracer ? [] : [b.giveBack(b.pass())])], program);
  return b.module([main], { maps, callbacks: named });
}

const nothing = callback("timer", () => []);
const refused = (code: string, module: Module) => assert.deepEqual(codesOf(module), [code]);

test("a timer is started on a value of its map, by itself or by a program", () => {
  assert.deepEqual(codesOf(starting([nothing])), []);
  assert.deepEqual(codesOf(starting([callback("timer", (_, own) => [start(own, 0)])])), []);
  const started = [nothing, callback("element", (_, each) => [start(each, 0)])];
  assert.deepEqual(codesOf(modul(started, () => [forEach(1)])), []);
});

test("a value of another map of that layout is refused", () => {
  refused("IOV4024", starting([nothing], 1));
  const either = modul([nothing], (l) => {
    const [letSlot, slot] = l.let("slot", {
      kind: "conditional",
      test: b.compare("less", b.packetLength(), b.number(9)),
      then: lookUp(0),
      otherwise: lookUp(1),
      type: live,
      at: 0,
    });
    return [letSlot, b.when(b.present(l.use(slot)), [start(b.unwrap(l.use(slot)), 0)])];
  });
  refused("IOV4024", either);
});

test("timers that lead to one another in a circle are refused, as the verifier does not come to an end", () => {
  const other: Body = (_, _own, l) => {
    const [letSlot, slot] = l.let("slot", lookUp(0));
    return [letSlot, b.when(b.present(l.use(slot)), [start(b.unwrap(l.use(slot)), 0)])];
  };
  refused("IOV4026", starting([callback("timer", other)]));
  const circle = [callback("timer", (_, own) => [start(own, 1)]), callback("timer", (_, own) => [start(own, 0)])];
  assert.deepEqual(codesOf(starting(circle)), ["IOV4026", "IOV4026"]);
  const overEntries = [callback("timer", () => [forEach(1)]), callback("element", (_, each) => [start(each, 0)])];
  refused("IOV4026", starting(overEntries));
});

test("callbacks have no packet, no verdict and no iteration inside of an iteration", () => {
  refused("IOV4017", starting([callback("timer", () => [b.evaluate(b.packetLength())])]));
  refused("IOV4017", starting([callback("timer", () => [b.evaluate(b.drop())])]));
  refused(
    "IOV4025",
    modul([callback("element", () => [forEach(1)]), callback("element", () => [])], () => [forEach(0)]),
  );
});

test("a callback returns nothing", () => {
  assert.deepEqual(codesOf(starting([callback("timer", () => [b.giveBack()])])), []);
  assert.ok(codesOf(starting([callback("timer", () => [b.giveBack(b.pass())])])).includes("IOV4018"));
});

test("tracing programs start no timers, also not in what they run over maps", () => {
  const tracer = { kind: "tracepoint", target: "sched:sched_switch" } as const;
  assert.ok(codesOf(starting([nothing], 0, tracer)).includes("IOV4017"));
  const counts = b.map("hash", { name: "counts", key, value: b.struct("Count", { count: b.integer(64) }) });
  const over = (make: Body): Module => ({
    ...modul(
      [b.callback("element", { map: 2, key, value: counts.value! }, make), nothing],
      () => [forEach(0, 2)],
      tracer,
    ),
    maps: [...maps, counts],
  });
  assert.deepEqual(codesOf(over((_, each) => [b.store(b.field(each, "count"), b.wide(1))])), []);
  const codes = codesOf(
    over((_, _each, l) => {
      const [letSlot, slot] = l.let("slot", lookUp(0));
      return [letSlot, b.when(b.present(l.use(slot)), [start(b.unwrap(l.use(slot)), 1)])];
    }),
  );
  assert.ok(codes.includes("IOV4017") && codes.includes("IOV4023"), codes.join());
});

test("a key is read only", () => {
  const body: Body = (entry) => [b.store(entry, b.number(1))];
  refused(
    "IOV4012",
    modul([callback("element", body)], () => [forEach(0)]),
  );
});

test("what a callback does counts once for each entry", () => {
  const many = { ...slots, maxEntries: 2 ** 26 };
  const body: Body = (_, each) => [1, 2, 3, 4].map((count) => b.store(b.field(each, "count"), b.wide(count)));
  const module = { ...modul([callback("element", body)], () => [forEach(0)]), maps: [many, others] };
  refused("IOV4007", module);
  assert.deepEqual(codesOf({ ...module, maps: [{ ...many, maxEntries: 65536 }, others] }), []);
});

test("a value with a timer is not copied, and nothing may be armed while a lock is held", () => {
  const type = optionalType(refType("local", value));
  refused(
    "IOV4015",
    modul([], () => [b.evaluate(b.operation("map.get", [b.number(0)], type, { map: 0 }))]),
  );
  const both = b.struct("Both", {
    timer: { kind: "opaque", what: "timer" },
    lock: { kind: "opaque", what: "spinLock" },
    count: b.integer(64),
  });
  const locked = b.map("array", { name: "locked", key, value: both });
  const module = b.module(
    [
      b.program((l) => {
        const [letIt, it] = l.let(
          "it",
          b.operation("map.ref", [b.number(0)], optionalType(refType("map", both)), { map: 0 }),
        );
        const own = b.unwrap(l.use(it));
        const cancel = b.evaluate(b.operation("timer.cancel", [own], boolType, { map: 0 }));
        return [letIt, b.when(b.present(l.use(it)), [b.lock(b.field(own, "lock"), [cancel])]), b.giveBack(b.pass())];
      }),
    ],
    { maps: [locked] },
  );
  refused("IOV4010", module);
});

test("timers stand in the values of arrays, hashes and LRU hashes, one in each", () => {
  const withValue = (kind: MapDeclaration["kind"], of: MapDeclaration["value"]): string[] =>
    codesOf(b.module([b.program(() => [b.giveBack(b.pass())])], { maps: [b.map(kind, { key, value: of! })] }));
  for (const kind of ["array", "hash", "lruHash"] as const) assert.deepEqual(withValue(kind, value), []);
  for (const kind of ["perCpuArray", "perCpuHash", "lruPerCpuHash"] as const)
    assert.deepEqual(withValue(kind, value), ["IOV4023"]);
  const two = b.struct("Two", { a: { kind: "opaque", what: "timer" }, b: { kind: "opaque", what: "timer" } });
  assert.deepEqual(withValue("hash", two), ["IOV4023"]);
  assert.deepEqual(withValue("hash", b.struct("Deep", { inner: value })), ["IOV4023"]);
});
