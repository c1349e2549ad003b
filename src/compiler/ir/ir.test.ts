import assert from "node:assert/strict";
import { test } from "node:test";
import { packPosition } from "../hir/position.ts";
import { FunctionBuilder } from "./builder.ts";
import { dominatorsOf } from "./dominators.ts";
import { graphOf } from "./graph.ts";
import type { IrFunction } from "./ir.ts";
import { livenessOf } from "./liveness.ts";
import { loopsOf } from "./loops.ts";
import { parseIr } from "./parse.ts";
import { printFunction, printIr } from "./text.ts";
import { assertIr, verifyIr } from "./verify.ts";

const everything = `program demo

global function main(v0: context) {
  slot s0: 16 align 8
b0:
  v1 = const 5 @0:3:7
  v2 = const -2
  v3 = const 0xffffffffffff
  v4 = map 2
  v5 = mapvalue 3 + 16
  v6 = function callback
  v7 = slot s0
  v8 = add64 v1, v2
  v9 = ashr32 v8, v1
  v10 = sext16 v9
  v11 = address v7 + v1
  v12 = load u16 [v0 + 76] context
  v13 = load s8 [v11 - 4] stack
  store u64 [v7 + 8] stack, v3
  atomic add u64 [v5 + 0] map, v1
  v14 = atomic cmpxchg u32 [v5 + 4] map, v1, expected v2
  v15 = helper mapLookup(v4, v7)
  v16 = kfunc bpf_iter_num_next(v7)
  v17 = call callback(v1, v2)
  branch ult32 v15, v16 ? b1(v12, v13) : b2 likely otherwise
b1(v18, v19):
  jump b3(v18)
b2:
  maygoto b3(v17) : b1(v14, v10) @1:20:1
b3(v20):
  return v20
}

static function callback(v0: integer, v1: address) {
b0:
  return v0
}
`;

const sum = `program sum

global function main(v0: context) {
b0:
  v1 = const 0
  v2 = const 10
  jump b1(v1, v1)
b1(v3, v4):
  branch ult64 v3, v2 ? b2 : b3
b2:
  v5 = add64 v4, v3
  v6 = const 1
  v7 = add64 v3, v6
  jump b1(v7, v5)
b3:
  return v4
}
`;

test("IR text that is printed parses back to the same program", () => {
  const program = parseIr(everything);
  assert.deepEqual(verifyIr(program), []);
  assert.equal(printIr(program, { positions: true }), everything);
  assert.equal(program.functions[0]!.blocks[0]!.instructions[0]!.at, packPosition(0, 3, 7));
  assert.equal(program.functions[0]!.valueCount, 21);
});

test("text that is not well formed is refused with its line", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["function", /line 1: "program" expected/],
    ["program p\nglobal function f() {\nb0:\n  v1 = frob v2\n}\n", /line 4: no operation "frob"/],
    ["program p\nglobal function f() {\nb0:\n  v1 = load u16 [v2 * 1] map\n}\n", /line 4: a character/],
    ["program p\nglobal function f() {\nb0:\n  return v1 v2\n}\n", /line 4: "v2" is too much/],
    ["program p\nglobal function f() {\nb0:\n", /the text ends too early/],
    ["program p\nglobal function f() {\nb0:\n  store u8 [v1 + 0] nowhere, v1\n", /no memory region/],
  ];
  for (const [text, message] of cases) {
    assert.throws(() => parseIr(text), message);
  }
});

test("the verifier names each broken rule", () => {
  const wrap = (body: string): string => `program p\nglobal function f(v0: context) {\n${body}\n}\n`;
  const cases: readonly (readonly [string, RegExp])[] = [
    [wrap("b0:\n  return v7"), /v7 is not defined on every way/],
    [wrap("b0:\n  v1 = const 1\n  v1 = const 2\n  return v1"), /v1 is defined twice/],
    [wrap("b0:\n  jump b1\nb1(v1):\n  return v1"), /b1 takes 1 arguments, not 0/],
    [wrap("b0:\n  jump b9"), /block b9 does not exist/],
    [wrap("b0:\n  jump b0"), /jumps to the entry block/],
    [wrap("b0:\n  v1 = helper mapLookup(v0)\n  return v1"), /takes 2 arguments/],
    [wrap("b0:\n  v1 = helper 9999(v0)\n  return v1"), /no row/],
    [wrap("b0:\n  v1 = slot s3\n  return v1"), /no slot s3/],
    [wrap("b0:\n  v1 = call g(v0)\n  return v1"), /no function g/],
    [wrap("b0:\n  branch eq64 v0, v0 ? b1 : b2\nb1:\n  v1 = const 1\n  jump b2\nb2:\n  return v1"), /every way/],
  ];
  for (const [text, message] of cases) {
    assert.match(verifyIr(parseIr(text)).join("\n"), message);
  }
});

test("dominators, loops and liveness of a loop", () => {
  const fn = parseIr(sum).functions[0]!;
  const graph = graphOf(fn);
  assert.deepEqual(
    graph.order.map((block) => block.id),
    [0, 1, 2, 3],
  );
  const dominators = dominatorsOf(graph);
  assert.deepEqual([...dominators.immediate], [0, 0, 1, 1]);
  assert.equal(dominators.dominates(1, 3), true);
  assert.equal(dominators.dominates(2, 3), false);
  const { loops, depth } = loopsOf(graph, dominators);
  assert.deepEqual([...depth], [0, 1, 1, 0]);
  assert.deepEqual(loops[0]!.latches, [2]);
  const { liveIn, liveOut } = livenessOf(graph);
  assert.deepEqual([...liveIn[1]!], [2]);
  assert.deepEqual([...liveIn[2]!].sort(), [2, 3, 4]);
  assert.deepEqual([...liveOut[0]!], [2]);
  assert.deepEqual([...liveIn[3]!], [4]);
});

function build(make: (builder: FunctionBuilder) => void): IrFunction {
  const builder = new FunctionBuilder("main", "global", ["context"]);
  make(builder);
  const fn = builder.finish();
  assertIr({ name: "test", functions: [fn] });
  return fn;
}

test("the builder turns the variables of a loop into block parameters, and only those that change", () => {
  const fn = build((b) => {
    const [header, body, after] = [b.newBlock(), b.newBlock(), b.newBlock()];
    b.write("i", b.constant(0n, 0));
    b.write("sum", b.constant(0n, 0));
    b.write("same", b.parameter(0));
    b.jump(header, 0);
    b.switchTo(header);
    const ten = b.constant(10n, 0);
    b.branch({ op: "ult", width: 64, left: b.read("i"), right: ten, then: body, otherwise: after, at: 0 });
    b.seal(body);
    b.switchTo(body);
    b.write("sum", b.binary("add", 64, b.read("sum"), b.read("i"), 0));
    b.write("i", b.binary("add", 64, b.read("i"), b.constant(1n, 0), 0));
    b.load({ size: 4, signed: false, base: b.read("same"), offset: 0, region: "context", at: 0 });
    b.jump(header, 0);
    b.seal(header);
    b.seal(after);
    b.switchTo(after);
    b.return(b.read("sum"), 0);
  });
  assert.equal(fn.blocks.find((block) => block.id === 1)!.parameters.length, 2);
  assert.match(printFunction(fn), /load u32 \[v0 \+ 0\] context/);
});

test("the builder leaves out what nothing reaches, and reads of unwritten variables are zero", () => {
  const fn = build((b) => {
    const [then, otherwise, after] = [b.newBlock(), b.newBlock(), b.newBlock()];
    const zero = b.constant(0n, 0);
    b.branch({ op: "eq", width: 64, left: b.parameter(0), right: zero, then, otherwise, at: 0 });
    for (const block of [then, otherwise]) {
      b.seal(block);
      b.switchTo(block);
      b.return(b.read("never written"), 0);
      assert.equal(b.terminated, true);
      b.callHelper(5, [], 0);
    }
    b.seal(after);
    b.switchTo(after);
    assert.equal(b.terminated, true);
    b.jump(then, 0);
  });
  assert.equal(fn.blocks.length, 3);
  assert.doesNotMatch(printFunction(fn), /ktimeGetNs/);
});

test("a chain of twenty thousand blocks neither overflows the stack nor leaves parameters behind", () => {
  const fn = build((b) => {
    b.write("x", b.parameter(0));
    for (let index = 0; index < 10_000; index++) {
      const [next, join] = [b.newBlock(), b.newBlock()];
      const right = b.constant(BigInt(index), 0);
      b.branch({ op: "eq", width: 64, left: b.parameter(0), right, then: next, otherwise: join, at: 0 });
      b.seal(next);
      b.switchTo(next);
      b.jump(join, 0);
      b.seal(join);
      b.switchTo(join);
    }
    b.return(b.read("x"), 0);
  });
  assert.equal(
    fn.blocks.every((block) => block.parameters.length === 0),
    true,
  );
});
