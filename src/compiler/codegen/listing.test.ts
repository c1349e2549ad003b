import assert from "node:assert/strict";
import { test } from "node:test";
import { printProgram } from "../../bytecode/print.ts";
import { parseIr } from "../ir/parse.ts";
import { assertIr } from "../ir/verify.ts";
import { type CompiledFunctionSet, generate } from "./index.ts";

function code(text: string, isa: 3 | 4 = 3): CompiledFunctionSet {
  const program = parseIr(text);
  assertIr(program);
  return generate(program, { target: { isa, littleEndian: true, mixedStackWrites: isa === 4 }, checkAllocation: true });
}

/** The body of a function of one context parameter, compiled and printed without slot numbers. */
function listing(body: string, isa: 3 | 4 = 3): string[] {
  const { instructions } = code(`program p\nglobal function main(v0: context) {\n${body}\n}\n`, isa);
  return printProgram(instructions)
    .trimEnd()
    .split("\n")
    .map((line) => line.replace(/^ *\d+: /, ""));
}

test("values beside an indexed write are kept from verifiers that cannot keep them apart", () => {
  const body = `
    slot s0: 6 align 2
  b0:
    v1 = slot s0
    v2 = const 7
    store u16 [v1 + 0] stack, v2
    v3 = load u32 [v0 + 0] context
    v4 = const 3
    v5 = and64 v3, v4
    v6 = address v1 + v5
    store u8 [v6 + 2] stack, v2
    v7 = load u16 [v1 + 0] stack
    return v7`;
  const old = listing(body, 3);
  const at = old.indexOf("r4 = le64 r4");
  assert.deepEqual(old.slice(at - 1, at + 2), ["r4 = 7", "r4 = le64 r4", "*(u16 *)(r10 -8) = r4"], old.join("\n"));
  const recent = listing(body, 4);
  assert.ok(recent.includes("*(u16 *)(r10 -6) = 7"), recent.join("\n"));
});

test("old verifiers get a place behind a lock where paths can meet", () => {
  const body = `
    slot s0: 4 align 4
  b0:
    v9 = const 7
    v1 = map 0
    v2 = slot s0
    store u32 [v2 + 0] stack, v9
    v3 = helper mapLookup(v1, v2)
    v4 = const 0
    branch eq64 v3, v4 ? b2 : b1
  b1:
    v5 = helper spinLock(v3)
    v6 = helper spinUnlock(v3)
    jump b2
  b2:
    return v4`;
  const jumps = (isa: 3 | 4): number => listing(body, isa).filter((line) => line === "goto pc+0").length;
  assert.deepEqual([jumps(3), jumps(4)], [8, 0]);
});

test("rounds with several ways through them get a place where these meet; straight ones do not", () => {
  const loop = (body: string): string => `
  b0:
    v1 = const 0
    jump b1(v1)
  b1(v2):
    v3 = helper getPrandomU32()
    ${body}
  b4:
    v7 = const 1
    v8 = add64 v2, v7
    v9 = const 9
    branch ult64 v8, v9 ? b1(v8) : b5
  b5:
    return v1`;
  const call = "v5 = helper jiffies64()";
  const jumps = (body: string): number => listing(loop(body), 4).filter((line) => line === "goto pc+0").length;
  const branch = `v4 = const 5\n branch ult64 v3, v4 ? b3 : b4\n b3:\n v6 = helper getPrandomU32()\n jump b4`;
  assert.equal(jumps(branch), 8);
  assert.equal(jumps(`${call}\n jump b4`), 0);
  assert.equal(jumps(`v4 = const 5\n branch ult64 v3, v4 ? b5 : b4`), 0, "a way out is no way through");
});

test("constants become immediates, and addresses with constants displacements", () => {
  const lines = listing(`
    slot s0: 16 align 8
  b0:
    v1 = const 14
    v2 = load u32 [v0 + 0] context
    v3 = address v2 + v1
    v4 = load u16 [v3 + 2] packet
    v5 = const 1000
    v6 = add64 v5, v4
    v7 = slot s0
    v8 = const 8
    v9 = address v7 + v8
    store u64 [v9 + 0] stack, v1
    store u8 [v7 + 0] stack, v6
    return v6`);
  assert.deepEqual(lines, [
    "r4 = *(u32 *)(r1 +0)",
    "r0 = *(u16 *)(r4 +16)",
    "r0 += 1000",
    "*(u64 *)(r10 -8) = 14",
    "*(u8 *)(r10 -16) = r0",
    "exit",
  ]);
});

test("constants take the shortest instruction that makes them", () => {
  const ret = (value: string): string[] => listing(`b0:\n v1 = const ${value}\n return v1`);
  assert.deepEqual(ret("5"), ["r0 = 5", "exit"]);
  assert.deepEqual(ret("-1"), ["r0 = -1", "exit"]);
  assert.deepEqual(ret("0xffffffff"), ["w0 = -1", "exit"]);
  assert.deepEqual(ret("0x123456789a"), ["r0 = 0x123456789a", "exit"]);
});

test("a zero-extension of what is narrow already costs nothing, one of a sum becomes the sum's width", () => {
  const lines = listing(`b0:
    v1 = load u16 [v0 + 0] map
    v2 = zext32 v1
    v3 = const 0x45d9f3b
    v4 = mul64 v2, v3
    v5 = zext32 v4
    return v5`);
  assert.deepEqual(lines, ["r0 = *(u16 *)(r1 +0)", "w0 *= 73244475", "exit"]);
});

test("a context field of four bytes may be an address: its zero-extension stays", () => {
  const lines = listing("b0:\n v1 = load u32 [v0 + 0] context\n v2 = zext32 v1\n return v2");
  assert.deepEqual(lines, ["r4 = *(u32 *)(r1 +0)", "w0 = w4", "exit"]);
});

test("what version 4 has as instructions version 3 makes out of others", () => {
  const body = `b0:
    v1 = load s8 [v0 + 1] map
    v2 = load u16 [v0 + 2] map
    v3 = sext16 v2
    v4 = sdiv64 v1, v3
    v5 = bswap32 v4
    return v5`;
  assert.deepEqual(listing(body, 4), [
    "r0 = *(s8 *)(r1 +1)",
    "r4 = *(u16 *)(r1 +2)",
    "r4 = (s16)r4",
    "r0 s/= r4",
    "r0 = be32 r0",
    "exit",
  ]);
  const old = listing(body, 3).join("\n");
  assert.doesNotMatch(old, /s\/=|\(s\d+\)/);
  assert.match(old, /<<= 56\n.*s>>= 56/);
});

test("comparisons with 2^31 and more are made in 32 bits only where the other side is narrow", () => {
  const body = (load: string): string =>
    `b0:\n v1 = load ${load} [v0 + 0] map\n v2 = const 0xfffffff0\n branch uge64 v1, v2 ? b1 : b2\n` +
    "b1:\n v3 = const 1\n return v3\nb2:\n v4 = const 2\n return v4";
  assert.match(listing(body("u32"))[1]!, /^if w4 < 0xfffffff0/);
  assert.match(listing(body("u64")).join("\n"), /w3 = -16\nif r4 < r3/);
});

test("values across calls stay in r6 to r9, arguments are made in place", () => {
  const lines = listing(`
    slot s0: 8 align 8
  b0:
    v1 = load u32 [v0 + 4] map
    v2 = slot s0
    store u64 [v2 + 0] stack, v1
    v3 = map 7
    v4 = helper mapLookup(v3, v2)
    v5 = const 0
    branch eq64 v4, v5 ? b1 : b2 likely otherwise
  b1:
    return v1
  b2:
    v6 = load u64 [v4 + 0] map
    v7 = add64 v6, v1
    return v7`);
  assert.deepEqual(lines, [
    "r6 = *(u32 *)(r1 +4)",
    "*(u64 *)(r10 -8) = r6",
    "r1 = map[fd:0]",
    "r2 = r10",
    "r2 += -8",
    "call bpf_map_lookup_elem#1",
    "if r0 == 0x0 goto pc+3",
    "r0 = *(u64 *)(r0 +0)",
    "r0 += r6",
    "exit",
    "r0 = r6",
    "exit",
  ]);
});

test("the expected side falls through, and short ends stand where a jump to them would", () => {
  const lines = listing(`b0:
    v1 = load u64 [v0 + 0] map
    v2 = const 1
    branch eq64 v1, v2 ? b1 : b2 likely then
  b1:
    v3 = load u64 [v0 + 8] map
    branch eq64 v3, v2 ? b3 : b2
  b2:
    v4 = const 2
    jump b4(v4)
  b3:
    jump b4(v2)
  b4(v5):
    return v5`);
  assert.deepEqual(lines, [
    "r4 = *(u64 *)(r1 +0)",
    "if r4 != 0x1 goto pc+4",
    "r4 = *(u64 *)(r1 +8)",
    "if r4 != 0x1 goto pc+2",
    "r0 = 1",
    "exit",
    "r0 = 2",
    "exit",
  ]);
});

const loop = (start: string): string[] =>
  listing(`b0:
    v1 = ${start}
    v2 = const 10
    v8 = const 0
    jump b1(v1, v8)
  b1(v3, v4):
    branch ult64 v3, v2 ? b2 : b3
  b2:
    v5 = add64 v4, v3
    v6 = const 1
    v7 = add64 v3, v6
    jump b1(v7, v5)
  b3:
    return v4`);

test("a loop with a short test takes one jump a round", () => {
  assert.deepEqual(loop("load u32 [v0 + 0] map"), [
    "r4 = *(u32 *)(r1 +0)",
    "r0 = 0",
    "if r4 >= 0xa goto pc+3",
    "r0 += r4",
    "r4 += 1",
    "if r4 < 0xa goto pc-3",
    "exit",
  ]);
});

/** A loop that ends early at a word of a packet, or of something else. */
const search = (region: string): string[] =>
  listing(`b0:
    v1 = load u32 [v0 + 0] context
    v2 = load u32 [v0 + 4] context
    v3 = const 0
    jump b1(v3)
  b1(v4):
    v5 = address v1 + v4
    v6 = load u8 [v5 + 0] ${region}
    branch eq64 v6, v2 ? b3 : b2
  b2:
    v7 = const 1
    v8 = add64 v4, v7
    v9 = const 10
    branch ult64 v8, v9 ? b1(v8) : b3
  b3:
    v10 = load u32 [v0 + 8] context
    return v10`);

test("the way out of a loop that reads the packet falls through, for the verifier to follow it first", () => {
  const branch = (lines: readonly string[]) => lines.findIndex((line) => line.startsWith("if r") && !/0xa/.test(line));
  const other = search("map");
  assert.match(other[branch(other)]!, / == r\d goto/);
  const packet = search("packet");
  assert.match(packet[branch(packet)]!, / != r\d goto/);
  assert.deepEqual(packet.slice(branch(packet) + 1).slice(0, 2), ["r0 = *(u32 *)(r1 +8)", "exit"]);
});

test("a branch on what is known to be constant on this way is not made", () => {
  const lines = loop("const 0");
  assert.equal(lines.filter((line) => line.startsWith("if")).length, 1);
  assert.deepEqual(lines.slice(0, 3), ["r4 = 0", "r0 = 0", "r0 += r4"]);
});

test("functions, maps, kernel functions and lines are reported with their slots", () => {
  const set = code(`program p
global function main(v0: context) {
b0:
  v1 = mapvalue 3 + 24 @0:5:1
  v8 = const 9
  v2 = kfunc bpf_rdonly_cast(v1, v8) @0:6:1
  v3 = function round @0:7:1
  v4 = const 0
  v5 = const 5
  v6 = helper loop(v5, v3, v4, v4) @0:7:1
  v7 = call round(v6, v4) @0:8:1
  return v7 @0:9:1
}
static function unused() {
b0:
  v1 = const 0
  return v1
}
static function round(v0: integer, v1: address) {
b0:
  v2 = const 0 @0:20:1
  return v2 @0:20:1
}
`);
  assert.deepEqual(
    set.functions.map(({ name, linkage }) => [name, linkage]),
    [
      ["main", "global"],
      ["round", "static"],
    ],
  );
  const [, round] = set.functions;
  assert.deepEqual(set.mapReferences, [{ index: 0, slot: 0, map: 3, kind: "value", offset: 24 }]);
  assert.deepEqual(set.kfuncs, [{ index: 2, slot: 3, name: "bpf_rdonly_cast" }]);
  const slots = set.lines.map(({ slot }) => slot);
  assert.deepEqual(
    slots,
    [...new Set(slots)].sort((a, b) => a - b),
  );
  assert.ok(slots.includes(0) && slots.includes(round!.slot));
  const local = set.instructions.filter(({ opcode, src }) => opcode === 0x85 && src === 1);
  assert.equal(local.length, 1);
});

test("may_goto jumps out of the loop when the budget is spent", () => {
  const lines = listing(`b0:
    jump b1
  b1:
    maygoto b2 : b3
  b2:
    v1 = load u64 [v0 + 0] map
    v2 = const 0
    branch eq64 v1, v2 ? b3 : b1
  b3:
    v3 = const 0
    return v3`);
  assert.deepEqual(lines, ["may_goto pc+2", "r4 = *(u64 *)(r1 +0)", "if r4 != 0x0 goto pc-3", "r0 = 0", "exit"]);
});

test("the same program gives the same code", () => {
  const text = `program p\nglobal function main(v0: context) {\nb0:\n v1 = load u64 [v0 + 0] map\n return v1\n}\n`;
  assert.deepEqual(code(text), code(text));
});
