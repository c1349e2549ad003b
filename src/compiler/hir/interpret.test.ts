import assert from "node:assert/strict";
import { test } from "node:test";
import { operations } from "../../language/operations.ts";
import * as b from "./build.ts";
import { runOperation } from "./interpret/operations.ts";
import { InterpreterTrap } from "./interpret/trap.ts";
import { createMapStore, type InterpretInput, type InterpretResult, interpret } from "./interpret.ts";
import type { Expression, MapDeclaration, Module, Statement } from "./tree.ts";
import { boolType, numberType, optionalType, refType, type Type, u64Type, verdictType, voidType } from "./types.ts";
import { verifyModule } from "./verify.ts";

const results = b.map("array", {
  name: "results",
  key: b.integer(32),
  value: b.integer(64, "native", true),
  maxEntries: 64,
});

/** A packet program that runs statements and then returns a verdict. */
function moduleOf(make: (l: b.Locals) => readonly Statement[], maps: readonly MapDeclaration[] = [results]): Module {
  const module = b.module([b.program((l) => [...make(l), b.giveBack(b.pass())])], { maps });
  assert.deepEqual(verifyModule(module), []);
  return module;
}

function run(
  make: (l: b.Locals) => readonly Statement[],
  input: Partial<InterpretInput> = {},
  maps: readonly MapDeclaration[] = [results],
): InterpretResult {
  const module = moduleOf(make, maps);
  return interpret(module.programs[0]!, module, { hook: "xdp", packet: new Uint8Array(64), ...input });
}

/** The value of an integer or bool expression. */
function valueOf(value: Expression, input: Partial<InterpretInput> = {}): bigint | boolean {
  let seen: unknown;
  const watched = b.placed(value, 77);
  run(() => [b.evaluate(watched)], {
    ...input,
    observe(node, observed) {
      if (node === watched) seen = observed;
    },
  });
  return seen as bigint | boolean;
}

const n = b.number;
const u = (value: bigint | number) => b.wide(value);
const i = (value: bigint | number) => b.wide(value, "i64");
const most = 2n ** 64n - 1n;

const values: readonly (readonly [string, Expression, bigint | boolean])[] = [
  ["sums of numbers are exact", b.add(n(0xffff_ffff), n(1)), 0x1_0000_0000n],
  ["numbers may be negative", b.binary("subtract", n(1), n(2)), -1n],
  ["division truncates towards zero", b.binary("divide", n(-7), n(2)), -3n],
  ["division by zero gives zero", b.binary("divide", n(7), n(0)), 0n],
  ["the remainder has the sign of the dividend", b.binary("remainder", n(-7), n(2)), -1n],
  ["the remainder of zero is the dividend", b.binary("remainder", n(7), n(0)), 7n],
  ["bitwise operations on numbers give a u32", b.binary("and", n(-1), n(0xf000_0000)), 0xf000_0000n],
  ["bits beyond 32 are not seen", b.binary("or", n(0x1_0000_0001), n(2)), 3n],
  ["xor of numbers", b.binary("xor", n(-1), n(0)), 0xffff_ffffn],
  ["the complement of a number is a u32", b.bitNot(n(0)), 0xffff_ffffn],
  ["a left shift keeps 32 bits", b.binary("shiftLeft", n(0xffff_ffff), n(4)), 0xffff_fff0n],
  ["a right shift of a number is of its exact value", b.binary("shiftRight", n(0x1_0000_0000), n(4)), 0x1000_0000n],
  ["a right shift of a negative number rounds down", b.binary("shiftRight", n(-5), n(1)), -3n],
  ["an unsigned right shift sees 32 bits", b.binary("shiftRightUnsigned", n(-1), n(28)), 15n],
  ["u64 sums wrap", b.add(u(most), u(1)), 0n],
  ["u64 differences wrap", b.binary("subtract", u(0), u(1)), most],
  ["u64 products wrap", b.binary("multiply", u(2n ** 63n), u(2)), 0n],
  ["u64 division is unsigned", b.binary("divide", u(most), u(2)), 2n ** 63n - 1n],
  ["u64 right shifts are logical", b.binary("shiftRight", u(2n ** 63n), u(63)), 1n],
  ["i64 sums wrap", b.add(i(2n ** 63n - 1n), i(1)), -(2n ** 63n)],
  ["i64 right shifts are arithmetic", b.binary("shiftRight", i(-8), i(1)), -4n],
  ["i64 unsigned right shifts fill with zeroes", b.binary("shiftRightUnsigned", i(-1), i(63)), 1n],
  ["the least i64 by -1 is itself", b.binary("divide", i(-(2n ** 63n)), i(-1)), -(2n ** 63n)],
  ["i64 negation wraps", b.negate(i(-(2n ** 63n))), -(2n ** 63n)],
  ["u64 complement", b.bitNot(u(0)), most],
  ["u8 keeps the low bits", b.convert("u8", n(-1)), 255n],
  ["i8 extends the sign", b.convert("i8", n(200)), -56n],
  ["u64 of a negative number is its two's complement", b.convert("u64", n(-1)), most],
  ["a number of a bool", b.convert("number", b.bool(true)), 1n],
  ["a bool of a number", b.convert("bool", n(-3)), true],
  ["comparisons of numbers are exact", b.compare("less", n(-1), n(0)), true],
  ["comparisons of u64 are unsigned", b.compare("less", u(most), u(0)), false],
  ["two absent values are equal", b.compare("equal", b.none(numberType), b.none(numberType)), true],
  ["absent and present differ", b.compare("equal", b.none(numberType), b.some(n(0))), false],
  ["present values compare by value", b.compare("notEqual", b.some(n(4)), b.some(n(5))), true],
  [
    "&& does not evaluate its right side in vain",
    b.both(b.bool(false), b.compare("equal", b.unwrap(b.none(numberType)), n(1))),
    false,
  ],
  ["?: evaluates one side", b.conditional(b.bool(true), n(1), b.unwrap(b.none(numberType))), 1n],
];

for (const [what, expression, expected] of values) {
  test(`interpret: ${what}`, () => assert.equal(valueOf(expression), expected));
}

const traps: readonly (readonly [string, Expression, RegExp])[] = [
  ["a sum beyond 64 bits", b.add(n(2n ** 63n - 1n), n(1)), /beyond 64 bits/],
  ["a shift by 32", b.binary("shiftLeft", n(1), n(32)), /a shift by 32/],
  ["an absent value that is used", b.unwrap(b.none(numberType)), /absent value/],
  ["a u64 that is no number", b.convert("number", u(most)), /beyond 64 bits/],
  ["an index out of range", b.load(b.element(b.newStruct({ kind: "bytes", length: 4 }), n(4))), /index 4 of 4/],
];

for (const [what, expression, message] of traps) {
  test(`interpret traps on ${what}`, () => {
    assert.throws(
      () => valueOf(expression),
      (error) => error instanceof InterpreterTrap && message.test(error.message),
    );
  });
}

const layout = b.struct("All", {
  big: b.integer(32, "big"),
  little: b.integer(16),
  signed: b.integer(8, "native", true),
  flag: { kind: "bool" },
  high: { kind: "bits", bits: 16, order: "big", shift: 12, width: 4 },
  low: { kind: "bits", bits: 16, order: "big", shift: 0, width: 12 },
});
// Both bit fields share one unit.
const shared = {
  ...layout,
  size: 12,
  fields: layout.fields.map((one) => (one.name === "low" ? { ...one, offset: 8 } : one)),
};

test("scalars lie in memory as their layout says", () => {
  const { packet } = run((l) => {
    const [letView, view] = l.let("view", b.packetAt(n(2), shared));
    const at = (name: string) => b.field(b.unwrap(l.use(view)), name);
    return [
      letView,
      b.store(at("big"), n(0x01020304)),
      b.store(at("little"), n(0x0506)),
      b.store(at("signed"), n(-2)),
      b.store(at("flag"), b.bool(true)),
      b.store(at("high"), n(0xa)),
      b.store(at("low"), n(0xbcd)),
    ];
  });
  assert.deepEqual([...packet!.subarray(0, 13)], [0, 0, 1, 2, 3, 4, 6, 5, 0xfe, 1, 0xab, 0xcd, 0]);
});

test("a bool in memory is true for every byte but zero", () => {
  const bytes = new Uint8Array(16).fill(7);
  assert.equal(valueOf(b.load(b.field(b.unwrap(b.packetAt(n(0), layout)), "flag")), { packet: bytes }), true);
});

test("packet.at is absent where the layout reaches beyond the packet", () => {
  const present = (offset: number, size: number) =>
    valueOf(b.present(b.packetAt(n(offset), { kind: "bytes", length: size })), { packet: new Uint8Array(20) });
  assert.equal(present(0, 20), true);
  assert.equal(present(19, 1), true);
  assert.equal(present(1, 20), false);
  assert.equal(present(-1, 4), false);
});

test("resizing makes views stale and fills with zeroes", () => {
  const bytes = { kind: "bytes", length: 1 } as const;
  const resize = (length: number) => b.operation("packet.setLength", [n(length)], boolType);
  assert.throws(
    () =>
      run((l) => {
        const [letView, view] = l.let("view", b.packetAt(n(0), bytes));
        return [letView, b.evaluate(resize(30)), b.evaluate(b.load(b.element(b.unwrap(l.use(view)), n(0))))];
      }),
    /after the packet was changed/,
  );
  const { packet } = run(() => [b.evaluate(resize(16)), b.evaluate(resize(18)), b.evaluate(resize(5))], {
    packet: new Uint8Array(64).fill(9),
  });
  assert.deepEqual([...packet!], [...new Uint8Array(16).fill(9), 0, 0]);
});

const frame = Uint8Array.from({ length: 20 }, (_, index) => index + 1);

test("a VLAN tag goes into the frame at XDP and beside it at TCX", () => {
  const push = () => [b.evaluate(b.pushVlan(n(0x0123)))];
  const xdp = run(push, { packet: frame });
  assert.deepEqual([...xdp.packet!.subarray(8, 20)], [9, 10, 11, 12, 0x81, 0, 1, 0x23, 13, 14, 15, 16]);
  const tcx = run(push, { packet: frame, hook: "tcx-ingress" });
  assert.deepEqual([tcx.packet, tcx.vlanTag], [frame, 0x0123]);
  const pop = () => [...push(), b.evaluate(b.operation("packet.popVlan", [], boolType))];
  for (const hook of ["xdp", "tcx-egress"] as const) {
    const popped = run(pop, { packet: frame, hook });
    assert.deepEqual([popped.packet, popped.vlanTag], [frame, undefined]);
  }
  assert.equal(valueOf(b.operation("packet.popVlan", [], boolType), { packet: frame }), false);
});

test("room is made and taken right behind the Ethernet header", () => {
  const adjust = (delta: number) => [
    b.evaluate(b.operation("packet.adjustRoom", [], boolType, { constants: [delta] })),
  ];
  assert.deepEqual([...run(() => adjust(2), { packet: frame }).packet!.subarray(12, 18)], [13, 14, 0, 0, 15, 16]);
  assert.deepEqual([...run(() => adjust(-4), { packet: frame }).packet!.subarray(12)], [13, 14, 19, 20]);
  assert.deepEqual(run(() => adjust(-7), { packet: frame }).packet, frame);
});

/** The Internet checksum of big-endian words, computed from nothing. */
function checksum(words: readonly number[]): number {
  const sum = words.reduce((total, word) => total + word, 0);
  return (
    ~(((sum & 0xffff) + (sum >>> 16)) % 0xffff === 0 && sum > 0 ? 0xffff : ((sum & 0xffff) + (sum >>> 16)) & 0xffff) &
    0xffff
  );
}

test("a replaced checksum is that of the changed words", () => {
  const words = [0x4500, 0x0054, 0x1234, 0x4000, 0x4001, 0xc0a8, 0x0101];
  const changed = words.map((word, index) => (index === 2 ? 0xbeef : word));
  const packet = new Uint8Array(20);
  new DataView(packet.buffer).setUint16(10, checksum(words));
  const replace = b.operation("packet.replaceChecksum", [n(10), n(0x1234), n(0xbeef)], boolType, {
    constants: [2, 3, 0, 0],
  });
  const after = run(() => [b.evaluate(replace)], { packet }).packet!;
  assert.equal(new DataView(after.buffer).getUint16(10), checksum(changed));
});

test("a checksum of zero stays zero where that means none", () => {
  const replace = (zeroMeansNone: number) =>
    b.operation("packet.replaceChecksum", [n(0), n(1), n(2)], boolType, { constants: [4, 4, 0, zeroMeansNone] });
  assert.deepEqual([...run(() => [b.evaluate(replace(1))]).packet!.subarray(0, 2)], [0, 0]);
  assert.notDeepEqual([...run(() => [b.evaluate(replace(0))]).packet!.subarray(0, 2)], [0, 0]);
});

test("loops, switches and labelled blocks go where they say", () => {
  const { maps } = run((l) => {
    const [letSum, sum] = l.let("sum", n(0));
    const k = l.declare("k", numberType);
    const add = (value: number) => b.assign(sum, b.add(l.use(sum), n(value)));
    const body = [
      b.when(b.compare("equal", l.use(k), n(3)), [b.next(1)]),
      b.when(b.compare("equal", l.use(k), n(9)), [b.leave(1)]),
      b.choose(
        2,
        l.use(k),
        [
          { values: [1n], body: [add(100), b.leave(2)] },
          { values: [5n, 7n], body: [add(1000)] },
        ],
        [add(1)],
      ),
    ];
    const total = b.convert("i64", l.use(sum));
    const keep = b.operation("map.set", [n(0), total], boolType, { map: 0, constants: [0] });
    return [
      letSum,
      b.loop(k, n(1), n(100), body, { step: 2, label: 1 }),
      b.block(9, [add(7), b.leave(9), add(50)]),
      b.evaluate(keep),
    ];
  });
  // Rounds 1, 3 (skipped), 5, 7, 9 (left): 100 + 1000 + 1000, and 7 of the block.
  assert.equal(new DataView(maps[0]!.lookup(new Uint8Array(4), 0)!.buffer).getBigInt64(0, true), 2107n);
});

const record = b.struct("Record", { count: b.integer(64), port: b.integer(16, "big") });
const table = b.map("hash", { name: "table", key: b.integer(16, "big"), value: record, maxEntries: 2 });
const ring = b.map("ringBuffer", { name: "events", value: record, maxEntries: 4096 });

function set(key: number, count: bigint, flags = 0): Expression {
  const value = b.newStruct(record, [
    { path: [0], value: u(count) },
    { path: [1], value: n(key) },
  ]);
  return b.operation("map.set", [n(key), value], boolType, { map: 0, constants: [flags] });
}

test("a map gives copies and live values", () => {
  const { maps } = run(
    (l) => {
      const [letCopy, copy] = l.let(
        "copy",
        b.operation("map.get", [n(80)], optionalType(refType("local", record)), { map: 0 }),
      );
      const [letRef, ref] = l.let(
        "ref",
        b.operation("map.ref", [n(80)], optionalType(refType("map", record)), { map: 0 }),
      );
      const count = (local: number) => b.field(b.unwrap(l.use(local)), "count");
      return [
        b.evaluate(set(80, 5n)),
        letCopy,
        letRef,
        b.store(count(copy), u(99)),
        b.evaluate(b.operation("atomic.add", [count(ref), u(2)], voidType)),
      ];
    },
    {},
    [table],
  );
  const value = maps[0]!.lookup(Uint8Array.of(0, 80), 0)!;
  assert.deepEqual([...value], [7, 0, 0, 0, 0, 0, 0, 0, 0, 80, 0, 0, 0, 0, 0, 0]);
});

test("map.set says when the map refuses", () => {
  const seen: unknown[] = [];
  const attempts = [
    set(1, 1n),
    set(1, 2n, 1),
    set(2, 1n, 2),
    set(2, 1n),
    set(3, 1n),
    b.operation("map.delete", [n(9)], boolType, { map: 0 }),
  ];
  run(() => attempts.map(b.evaluate), { observe: (node, value) => attempts.includes(node) && seen.push(value) }, [
    table,
  ]);
  assert.deepEqual(seen, [true, false, false, true, false, false]);
});

test("events are listed with their bytes until the ring is full", () => {
  const emit = b.operation("ring.emit", [b.newStruct(record, [{ path: [1], value: n(0x1234) }])], boolType, { map: 0 });
  const { events } = run((l) => [b.loop(l.declare("k", numberType), n(0), n(300), [b.evaluate(emit)])], {}, [ring]);
  // 16 bytes and a header of 8 each, in 4096 bytes less one.
  assert.equal(events.length, Math.floor(4095 / 24));
  assert.deepEqual([...events[0]!.bytes], [0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34, 0, 0, 0, 0, 0, 0]);
});

test("an LPM trie finds the longest prefix", () => {
  const trie = b.map("lpmTrie", {
    key: b.struct("Key", { bits: b.integer(32), address: b.integer(32, "big") }),
    value: b.integer(32),
  });
  const store = createMapStore(trie);
  const key = (bits: number, ...address: number[]) => Uint8Array.of(bits, 0, 0, 0, ...address);
  store.update(key(8, 10, 0, 0, 0), Uint8Array.of(1, 0, 0, 0), 0, 0);
  store.update(key(16, 10, 1, 9, 9), Uint8Array.of(2, 0, 0, 0), 0, 0);
  assert.equal(store.lookup(key(32, 10, 1, 2, 3), 0)?.[0], 2);
  assert.equal(store.lookup(key(32, 10, 2, 2, 3), 0)?.[0], 1);
  assert.equal(store.lookup(key(32, 11, 2, 2, 3), 0), undefined);
  assert.equal(store.delete(key(16, 10, 1, 0, 0)), true);
  assert.equal(store.lookup(key(32, 10, 1, 2, 3), 0)?.[0], 1);
});

test("verdicts have the numbers of their hook", () => {
  const device = b.map("devMap", { name: "devices", key: b.integer(32), value: b.integer(32), maxEntries: 4 });
  const conclude = (verdict: Expression, input: Partial<InterpretInput> = {}) => {
    const module = b.module([b.program(() => [b.giveBack(verdict)])], { maps: [device] });
    return interpret(module.programs[0]!, module, { hook: "xdp", packet: frame, ...input });
  };
  const named = (name: string, args: readonly Expression[] = []) =>
    b.operation(`verdict.${name}`, args, verdictType, name === "redirectMap" ? { map: 0 } : {});
  assert.deepEqual(conclude(named("pass")).verdict, { name: "pass", code: 2 });
  assert.deepEqual(conclude(named("pass"), { hook: "tcx-ingress" }).verdict, { name: "pass", code: -1 });
  assert.deepEqual(conclude(named("transmit")).verdict, { name: "transmit", code: 3 });
  const back = conclude(named("transmit"), { hook: "tcx-egress", ingressIfindex: 9 });
  assert.deepEqual([back.verdict?.code, back.redirect], [7, { ifindex: 9 }]);
  assert.deepEqual(conclude(named("redirect", [n(12)])).redirect, { ifindex: 12 });
  assert.deepEqual(conclude(named("redirectMap", [n(1)])).verdict, { name: "drop", code: 1 });
  const store = createMapStore(device);
  store.update(Uint8Array.of(1, 0, 0, 0), Uint8Array.of(42, 0, 0, 0), 0, 0);
  assert.deepEqual(conclude(named("redirectMap", [n(1)]), { maps: [store] }).redirect, { ifindex: 42 });
});

test("a tail call starts over in the other program, a missing one goes on", () => {
  const programs = b.map("progArray", { name: "programs", key: b.integer(32), value: b.integer(32), maxEntries: 4 });
  const call = b.evaluate(b.operation("program.tailCall", [n(1)], voidType, { map: 0 }));
  const first = b.program(() => [call, b.giveBack(b.pass())], { name: "first" });
  const second = b.program(() => [b.giveBack(b.drop())], { name: "second" });
  const module = b.module([first, second], { maps: [programs] });
  const verdict = (tailCall?: InterpretInput["tailCall"]) =>
    interpret(first, module, { hook: "xdp", packet: frame, ...(tailCall ? { tailCall } : {}) }).verdict?.name;
  assert.equal(verdict(), "pass");
  assert.equal(
    verdict((_, slot) => (slot === 1 ? second : undefined)),
    "drop",
  );
  assert.equal(
    verdict(() => first),
    "pass",
  );
});

const list = {
  kind: "list",
  element: {
    kind: "struct",
    fields: [
      { name: "source", type: { kind: "matcher", matcher: "prefix", name: "u32", format: "ipv4" } },
      { name: "port", type: { kind: "matcher", matcher: "range", name: "u16" } },
    ],
  },
} as const;

test("match gives the first rule whose matchers all accept", () => {
  const rules = { name: "rules", type: list, default: [], description: "", at: 0 };
  const match = (source: number, port: number): Expression => ({
    kind: "match",
    setting: "rules",
    subjects: [
      { field: "source", value: n(source) },
      { field: "port", value: n(port) },
    ],
    type: optionalType(numberType),
    at: 0,
  });
  const first = (source: number, port: number) => {
    const module = b.module(
      [
        b.program((l) => {
          const [letIt, found] = l.let("found", match(source, port));
          return [
            letIt,
            b.when(b.compare("equal", l.use(found), b.some(n(1))), [b.giveBack(b.drop())]),
            b.giveBack(b.pass()),
          ];
        }),
      ],
      { settings: [rules] },
    );
    assert.deepEqual(verifyModule(module), []);
    const settings = {
      rules: [
        { source: { address: 0x0a000000n, length: 8n }, port: { low: 80n, high: 90n } },
        { port: { low: 1n, high: 99n } },
      ],
    };
    return interpret(module.programs[0]!, module, { hook: "xdp", packet: frame, settings }).verdict?.name;
  };
  assert.equal(first(0x0a010203, 85), "pass");
  assert.equal(first(0x0b010203, 85), "drop");
  assert.equal(first(0x0a010203, 95), "drop");
  assert.equal(first(0x0b010203, 100), "pass");
});

test("kernel objects are read through the model that the caller gives", () => {
  const record = { kind: "struct", name: "record", size: 0, align: 1, fields: [] } as const;
  const task = { ...record, name: "task_struct" };
  const field = (base: Expression, struct: string, path: string[], type: Type): Expression => ({
    kind: "kernelField",
    base,
    struct,
    path,
    type,
    at: 0,
  });
  const seen = b.map("array", { name: "seen", key: b.integer(32), value: b.integer(32, "native", true) });
  const program = b.program(
    (l) => {
      const context = l.use(l.declare("context", refType("context", record)));
      const [letIt, found] = l.let("task", field(context, "record", ["task"], optionalType(refType("kernel", task))));
      const pid = { ...field(b.unwrap(l.use(found)), "task_struct", ["pid"], numberType), width: "i32" } as Expression;
      return [
        letIt,
        b.when(b.present(l.use(found)), [
          b.evaluate(b.operation("map.set", [n(0), pid], boolType, { map: 0, constants: [0] })),
        ]),
      ];
    },
    { kind: "btfTracepoint", target: "sched_switch" },
  );
  const module = b.module([program], { maps: [seen] });
  assert.deepEqual(verifyModule(module), []);
  const kernel = {
    field: (object: unknown, _: string, [name = ""]: readonly string[]) => (object as Record<string, unknown>)[name],
    address: () => 0n,
    string: () => undefined,
  };
  const pidSeen = (context: unknown) => {
    const { maps } = interpret(program, module, { hook: "tp_btf", context, kernel });
    return new DataView(maps[0]!.lookup(new Uint8Array(4), 0)!.buffer).getInt32(0, true);
  };
  assert.equal(pidSeen({ task: { pid: 4_294_967_290 } }), -6);
  assert.equal(pidSeen({}), 0);
});

test("a run that takes too long is given up", () => {
  assert.throws(
    () => run((l) => [b.loop(l.declare("k", numberType), n(0), n(1e9), [])], { maxSteps: 1000 }),
    /more than 1000 steps/,
  );
});

test("every operation of the library has a meaning", () => {
  for (const name of Object.keys(operations)) {
    const node = b.operation(name, [], u64Type) as Expression & { kind: "operation" };
    const machine = { map: () => ({}), module: b.module([]), input: {}, hook: {} } as never;
    try {
      runOperation(node, machine);
    } catch (error) {
      assert.doesNotMatch(String(error), /no operation/, name);
    }
  }
});
