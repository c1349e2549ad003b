import assert from "node:assert/strict";
import { test } from "node:test";
import * as b from "./build.ts";
import type { Layout } from "./layout.ts";
import type { Expression, MapDeclaration, Module, SettingDeclaration, Statement } from "./tree.ts";
import { boolType, numberType, refType, verdictType, voidType } from "./types.ts";
import { verifyModule } from "./verify.ts";

const header = b.struct("Header", { type: b.integer(16, "big"), flags: b.integer(8), counter: b.integer(64) });

function programWith(make: (locals: b.Locals) => readonly Statement[]): Module {
  return b.module([b.program((locals) => [...make(locals), b.giveBack(b.pass())])]);
}

function evaluating(value: Expression): Module {
  return programWith(() => [b.evaluate(value)]);
}

const sound: Readonly<Record<string, Module>> = {
  "an empty module": b.module([]),
  "a view that is tested and read": programWith((l) => {
    const [letView, view] = l.let("view", b.packetAt(b.number(0), header));
    const read = b.load(b.field(b.unwrap(l.use(view)), "type"));
    return [letView, b.when(b.present(l.use(view)), [b.evaluate(read)])];
  }),
  "a loop with continue and break": programWith((l) => {
    const counter = l.declare("i", numberType);
    return [b.loop(counter, b.number(0), b.number(4), [b.when(b.bool(true), [b.next(7)]), b.leave(7)], { label: 7 })];
  }),
  "a local that is declared in two branches": programWith((l) => {
    const [letIt] = l.let("x", b.number(1));
    return [b.when(b.bool(true), [letIt], [letIt])];
  }),
  "a context parameter without a let": b.module([
    b.program(
      (l) => {
        const context = l.declare("context", refType("context", header));
        return [b.evaluate(b.load(b.field(l.use(context), "counter")))];
      },
      { kind: "tracepoint", target: "sched:sched_switch" },
    ),
  ]),
};

for (const [what, module] of Object.entries(sound)) {
  test(`verify accepts ${what}`, () => assert.deepEqual(verifyModule(module), []));
}

function layoutModule(layout: unknown): Module {
  return evaluating(b.newStruct(layout as Layout));
}

function mapModule(map: Partial<MapDeclaration> & Pick<MapDeclaration, "kind">): Module {
  return b.module([], { maps: [b.map(map.kind, map)] });
}

const setting: SettingDeclaration = {
  name: "limit",
  type: { kind: "integer", name: "u16" },
  default: 5n,
  description: "",
  at: 0,
};

/** What is wrong, a module with it, and what the report must say. */
const refused: readonly (readonly [string, unknown, RegExp])[] = [
  ["no object", null, /expected an object, got null/],
  ["another version", { ...b.module([]), version: 99 }, /version: expected one of 2/],
  ["an unknown property", { ...b.module([]), extra: 1 }, /unknown property "extra"/],
  ["a missing property", { ...b.module([]), maps: undefined }, /property "maps" is missing/],
  [
    "a node of an unknown kind",
    evaluating({ ...b.number(1), kind: "magic" } as never),
    /expected an expression, got "magic"/,
  ],
  ["a kind from the prototype", evaluating({ ...b.number(1), kind: "toString" } as never), /expected an expression/],
  [
    "a constant of the wrong type",
    evaluating({ ...b.bool(true), type: numberType } as never),
    /does not fit type number/,
  ],
  ["a number beyond 64 bits", evaluating(b.number(2n ** 63n)), /is no number/],
  ["a negative u64", evaluating(b.wide(-1)), /is no u64/],
  ["operands of different types", evaluating(b.add(b.number(1), b.wide(1))), /operand has type u64, expected number/],
  [
    "a condition that is no bool",
    programWith(() => [b.when(b.number(1), [])]),
    /condition has type number, expected bool/,
  ],
  ["an ordering of bools", evaluating(b.compare("less", b.bool(true), b.bool(false))), /less of bool/],
  ["a comparison of verdicts", evaluating(b.compare("equal", b.pass(), b.drop())), /equal of verdict/],
  [
    "a local that is used before its let",
    programWith((l) => {
      const [letIt, local] = l.let("x", b.number(1));
      return [b.evaluate(l.use(local)), letIt];
    }),
    /"x"\) is used where it is not defined/,
  ],
  [
    "a local that is used outside of its block",
    programWith((l) => {
      const [letIt, local] = l.let("x", b.number(1));
      return [b.when(b.bool(true), [letIt]), b.evaluate(l.use(local))];
    }),
    /used where it is not defined/,
  ],
  ["a local out of range", evaluating({ kind: "local", local: 9, type: numberType, at: 0 }), /no local 9/],
  [
    "an assignment to a loop's counter",
    programWith((l) => {
      const counter = l.declare("i", numberType);
      return [b.loop(counter, b.number(0), b.number(4), [b.assign(counter, b.number(0))])];
    }),
    /assigns the counter/,
  ],
  ["a break of a label that is not there", programWith(() => [b.leave(3)]), /break of label 3/],
  ["a continue of a block", programWith(() => [b.block(3, [b.next(3)])]), /continue of label 3/],
  [
    "a jump out of an expression",
    programWith(() => [b.block(3, [b.evaluate(b.sequence([b.leave(3)], b.number(1)))])]),
    /break of label 3/,
  ],
  [
    "a return inside of an expression",
    evaluating(b.sequence([b.giveBack(b.pass())], b.number(1))),
    /return inside of an expression/,
  ],
  [
    "two cases of one value",
    programWith(() => [b.choose(1, b.number(1), [{ values: [1n, 1n], body: [] }])]),
    /case 1 stands twice/,
  ],
  ["an unwrap of what is not optional", evaluating(b.unwrap(b.number(1))), /unwraps what is not optional/],
  [
    "an optional of an optional",
    evaluating(b.some(b.some(b.number(1)))),
    /an optional of a optional number|expected a scalar or reference type/,
  ],
  ["a load of an aggregate", evaluating(b.load(b.newStruct(header))), /loads an aggregate/],
  [
    "a field that is not there",
    evaluating({ ...b.field(b.newStruct(header), "type"), field: 9 } as Expression),
    /has no field 9/,
  ],
  [
    "a field of another type than the struct says",
    evaluating({ ...b.field(b.newStruct(header), "type"), type: refType("local", b.integer(64)) } as Expression),
    /which the base does not have/,
  ],
  [
    "a field that changes its region",
    evaluating({ ...b.field(b.newStruct(header), "type"), type: refType("map", b.integer(16, "big")) } as Expression),
    /which the base does not have/,
  ],
  [
    "a store of a number to a u64",
    programWith(() => [b.store(b.field(b.newStruct(header), "counter"), b.number(1))]),
    /expected u64/,
  ],
  [
    "a copy between layouts",
    programWith(() => [b.copy(b.newStruct(header), b.newStruct(b.struct("Other", { a: b.integer(64) })))]),
    /copies between different layouts/,
  ],
  [
    "new storage with a wrong path",
    evaluating(b.newStruct(header, [{ path: [7], value: b.number(1) }])),
    /no such part/,
  ],
  ["an unknown operation", evaluating(b.operation("packet.explode", [], voidType)), /no operation "packet.explode"/],
  [
    "an operation from the prototype",
    evaluating(b.operation("constructor", [], voidType)),
    /no operation "constructor"/,
  ],
  [
    "an operation with too few arguments",
    evaluating(b.operation("packet.setLength", [], boolType)),
    /takes 1 arguments, got 0/,
  ],
  [
    "an operation with a wrong result",
    evaluating(b.operation("packet.length", [], boolType)),
    /gives number, not bool/,
  ],
  ["an operation without its map", evaluating(b.operation("queue.pop", [], numberType)), /no map/],
  [
    "a constant that means nothing",
    evaluating(b.operation("packet.adjustRoom", [], boolType, { constants: [0] })),
    /delta of packet.adjustRoom may not be 0/,
  ],
  ["a return of a number", b.module([b.program(() => [b.giveBack(b.number(1))])]), /expected verdict/],
  ["a setting that is not there", evaluating(b.setting(["absent"])), /no scalar setting "absent"/],
  ["two settings of one name", b.module([], { settings: [setting, setting] }), /two settings named "limit"/],
  [
    "a default that does not fit",
    b.module([], { settings: [{ ...setting, default: 70000n }] }),
    /expected a whole number \(u16\) from 0 to 65535, got 70000/,
  ],
  ["a tracepoint without a target", b.module([b.program(() => [], { kind: "tracepoint" })]), /needs a target/],
  ["an integer of 24 bits", layoutModule({ ...b.integer(32), bits: 24 }), /expected one of 8, 16, 32, 64/],
  ["a field beyond the end", layoutModule({ ...header, size: 8 }), /reaches beyond the end/],
  [
    "a field that is not aligned",
    layoutModule({ ...header, fields: [{ name: "x", offset: 3, layout: b.integer(32) }] }),
    /not aligned/,
  ],
  [
    "fields that overlap",
    layoutModule({ ...header, fields: [...header.fields, { name: "x", offset: 0, layout: b.integer(8) }] }),
    /overlaps another/,
  ],
  [
    "a layout of absurd size",
    layoutModule({ kind: "array", element: { kind: "bytes", length: 2 ** 23 }, length: 2 ** 20 }),
    /more than 16777216 bytes/,
  ],
  [
    "a bit field beyond its unit",
    layoutModule(b.struct("S", { f: { kind: "bits", bits: 8, order: "native", shift: 6, width: 3 } })),
    /beyond its unit/,
  ],
  ["a hash without a key", mapModule({ kind: "hash", value: header }), /the key is missing/],
  ["an array with a key of 8 bytes", mapModule({ kind: "array", key: b.integer(64), value: header }), /must be a u32/],
  ["a ring buffer of 5000 bytes", mapModule({ kind: "ringBuffer", maxEntries: 5000 }), /a power of two/],
  [
    "an array of maps without a template",
    mapModule({ kind: "arrayOfMaps", key: b.integer(32) }),
    /template of the inner maps is missing/,
  ],
  ["a source of no text", { ...b.module([]), sources: [{ path: "x.ts" }] }, /sources\[0\]: property "text" is missing/],
  [
    "a verdict constant",
    evaluating({ kind: "constant", type: verdictType, value: 1n, at: 0 }),
    /a verdict is no constant/,
  ],
];

for (const [what, module, message] of refused) {
  test(`verify refuses ${what}`, () => {
    const problems = verifyModule(module);
    assert.ok(problems.length > 0, "no problem was reported");
    assert.match(problems.map((one) => `${one.path}: ${one.message}`).join("\n"), message);
  });
}

test("verify says where the problem is", () => {
  const [problem] = verifyModule(evaluating(b.add(b.number(1), b.wide(1))));
  assert.equal(problem?.path, "programs[0].body[0].value.right");
});

test("verify refuses trees that are too deep, and the deepest that it takes do not exhaust the stack", () => {
  const nested = (depth: number): Module => {
    let value = b.number(1);
    for (let level = 0; level < depth; level++) value = b.add(value, b.number(1));
    return evaluating(value);
  };
  assert.deepEqual(verifyModule(nested(290)), []);
  assert.match(verifyModule(nested(5000))[0]?.message ?? "", /nested more than/);
});

test("verify refuses layouts that share themselves into exponential size", () => {
  let layout: Layout = b.integer(8);
  for (let level = 0; level < 14; level++) layout = b.struct(`S${level}`, { a: layout, b: layout, c: layout });
  assert.match(verifyModule(evaluating(b.newStruct(layout)))[0]?.message ?? "", /more than 4096 parts/);
});
