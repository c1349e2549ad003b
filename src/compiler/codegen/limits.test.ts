import assert from "node:assert/strict";
import { test } from "node:test";
import { encode } from "../../bytecode/encode.ts";
import { run } from "../../vm/run.ts";
import { packPosition } from "../hir/position.ts";
import { FunctionBuilder } from "../ir/builder.ts";
import { interpret } from "../ir/interpret.ts";
import type { IrProgram } from "../ir/ir.ts";
import { parseIr } from "../ir/parse.ts";
import { printIr } from "../ir/text.ts";
import { generate, StackTooLarge, type Target } from "./index.ts";
import { greatestObjects } from "./stack-objects.ts";

const v3: Target = { isa: 3, littleEndian: true, mixedStackWrites: false };
const v4: Target = { isa: 4, littleEndian: true, mixedStackWrites: true };

/** Two slots of 300 bytes; the second is used while the first is, or behind it. */
function twoSlots(together: boolean): IrProgram {
  const first = "v3 = load u64 [v1 + 0] stack";
  return parseIr(`program p
global function main(v0: context) {
  slot s0: 304 align 8
  slot s1: 304 align 8
b0:
  v1 = slot s0
  v2 = const 7
  store u64 [v1 + 0] stack, v2
  ${together ? "" : first}
  v4 = slot s1
  store u64 [v4 + 0] stack, v2
  ${together ? first : ""}
  v5 = load u64 [v4 + 0] stack
  v6 = add64 v3, v5
  return v6
}
`);
}

test("stack slots that are not in use at the same time share their bytes", () => {
  const set = generate(twoSlots(false), { target: v3 });
  assert.equal(set.functions[0]!.frameSize, 304);
  assert.equal(run(set.instructions).result, 14n);
});

test("more stack than the kernel gives is refused with its greatest objects and their places", () => {
  const at = packPosition(0, 3, 1);
  const other = packPosition(0, 5, 1);
  const greatest = (functions: Parameters<typeof greatestObjects>[0]): readonly string[] =>
    greatestObjects(functions, (place) => (place === at ? "line 3" : "line 5"));
  const { functions } = twoSlots(true);
  const named = functions.map((fn) => {
    let index = 0;
    const blocks = fn.blocks.map((block) => ({
      ...block,
      instructions: block.instructions.map((i) => (i.kind === "slotAddress" ? { ...i, at: index++ ? other : at } : i)),
    }));
    return { ...fn, blocks };
  });
  assert.deepEqual(greatest(named), ["304 at line 3", "304 at line 5"]);
  assert.deepEqual(greatest([...named, ...named]), ["2 times 304 at line 3", "2 times 304 at line 5"]);
  assert.deepEqual(greatest(functions), []);
  assert.throws(() => generate({ ...twoSlots(true), functions: named }, { target: v3 }), {
    message: "main needs 608 bytes of stack, among them 304 at line 3, 304 at line 5; the kernel gives 512",
  });
});

test("more stack than the kernel gives is refused with the size and the chain of calls", () => {
  assert.throws(
    () => generate(twoSlots(true), { target: v3 }),
    (error) => error instanceof StackTooLarge && error.size === 608 && error.chain.join() === "main",
  );
  const nested = parseIr(`program p
global function main(v0: context) {
  slot s0: 256 align 8
b0:
  v1 = slot s0
  v2 = call inner(v1)
  return v2
}
static function inner(v0: address) {
  slot s0: 264 align 8
b0:
  v1 = const 0
  v2 = slot s0
  store u64 [v2 + 0] stack, v1
  return v1
}
`);
  assert.throws(
    () => generate(nested, { target: v3 }),
    (error) => error instanceof StackTooLarge && error.size === 544 && error.chain.join() === "main,inner",
  );
});

test("a slot whose address is put away keeps its bytes to itself", () => {
  const program = parseIr(`program p
global function main(v0: context) {
  slot s0: 8 align 8
  slot s1: 8 align 8
  slot s2: 8 align 8
b0:
  v1 = slot s0
  v2 = const 7
  store u64 [v1 + 0] stack, v2
  v3 = slot s1
  store u64 [v3 + 0] stack, v1
  v4 = slot s2
  store u64 [v4 + 0] stack, v2
  v5 = load u64 [v3 + 0] stack
  v6 = load u64 [v5 + 0] stack
  return v6
}
`);
  const set = generate(program, { target: v3 });
  assert.equal(set.functions[0]!.frameSize >= 16, true);
  assert.equal(run(set.instructions).result, 7n);
});

test("recursion and too many frames are refused", () => {
  const call = (callee: string): string => `b0:\n  v1 = call ${callee}()\n  return v1\n}\n`;
  const self = `program p\nglobal function main() {\n${call("main")}`;
  assert.throws(() => generate(parseIr(self), { target: v3 }), /main -> main calls itself/);
  const names = ["main", "a", "b", "c", "d", "e", "f", "g"];
  const chain = names.map((name, index) => `static function ${name}() {\n${call(names[index + 1] ?? "last")}`);
  const last = "static function last() {\nb0:\n  v1 = const 0\n  return v1\n}\n";
  assert.throws(() => generate(parseIr(`program p\n${chain.join("")}${last}`), { target: v3 }), /9 nested calls/);
});

/** A loop with `length` additions on one of two ways: too far to jump over, or back behind. */
function farJumps(length: number): IrProgram {
  const b = new FunctionBuilder("main", "global", ["context"]);
  const value = b.load({ size: 8, signed: false, base: b.parameter(0), offset: 0, region: "map", at: 1 });
  const [loop, first, second, third, end] = [b.newBlock(), b.newBlock(), b.newBlock(), b.newBlock(), b.newBlock()];
  b.write("sum", value);
  b.write("round", b.constant(0n, 1));
  b.jump(loop, 1);
  b.switchTo(loop);
  const one = b.constant(1n, 1);
  b.write("round", b.binary("add", 64, b.read("round"), one, 1));
  b.branch({ op: "test", width: 64, left: b.read("round"), right: one, then: first, otherwise: second, at: 1 });
  for (const [block, count] of [
    [first, length],
    [second, 5],
  ] as const) {
    b.seal(block);
    b.switchTo(block);
    let sum = b.read("sum");
    for (let index = 0; index < count; index++) sum = b.binary("mul", 64, sum, b.constant(3n, 1), 1);
    b.write("sum", sum);
    b.jump(third, 1);
  }
  b.seal(third);
  b.switchTo(third);
  const limit = b.constant(3n, 1);
  b.branch({ op: "ult", width: 64, left: b.read("round"), right: limit, then: loop, otherwise: end, at: 1 });
  b.seal(loop);
  b.seal(end);
  b.switchTo(end);
  b.return(b.read("sum"), 1);
  return { name: "far", functions: [b.finish()] };
}

for (const [target, isa] of [
  [v3, 3],
  [v4, 4],
] as const) {
  test(`jumps farther than 16 bits reach are made out of others (ISA version ${isa})`, () => {
    const program = farJumps(33_000);
    const memory = new Uint8Array(8).fill(1);
    const { instructions } = generate(program, { target });
    assert.ok(instructions.length > 33_000);
    // Encoding checks that each distance fits its field.
    assert.equal(encode(instructions).length, instructions.length * 8);
    const expected = interpret(program, { memory, limit: 1_000_000 });
    assert.equal(run(instructions, { memory }).result, expected);
  });
}

test("a timer's callback has a stack of its own and may lead to itself", () => {
  const frame = (name: string, head: string, body: string): string => `${head} function ${name}(${
    name === "main" ? "v0: context" : "v0: address, v1: address, v2: address"
  }) {
  slot s0: 304 align 8
b0:
  v10 = const 7
  v11 = slot s0
  store u64 [v11 + 0] stack, v10
${body}
  v12 = load u64 [v11 + 0] stack
  return v12
}
`;
  const arms = "  v13 = function later\n  v14 = helper 170(v11, v13)";
  const program = (head: string): string => `program p\n${frame("main", "global", arms)}${frame("later", head, arms)}`;
  const text = program("static asynchronous");
  assert.equal(generate(parseIr(text), { target: v3 }).stackDepth, 320);
  assert.equal(printIr(parseIr(printIr(parseIr(text)))), printIr(parseIr(text)));
  assert.throws(() => generate(parseIr(program("static")), { target: v3 }), /later -> later calls itself/);
});
