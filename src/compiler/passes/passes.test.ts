import assert from "node:assert/strict";
import { test } from "node:test";
import type { IrFunction } from "../ir/ir.ts";
import { parseIr } from "../ir/parse.ts";
import { printFunction } from "../ir/text.ts";
import { assertIr } from "../ir/verify.ts";
import { correlateBranches } from "./correlate.ts";
import { removeDeadCode } from "./dead-code.ts";
import { removeDeadStores } from "./dead-stores.ts";
import { optimize } from "./index.ts";
import { mergeExits } from "./merge-exits.ts";
import { simplify } from "./simplify.ts";
import { reduceStrength } from "./strength.ts";
import { threadJumps } from "./thread.ts";
import { numberValues } from "./value-numbering.ts";
import { claimWords } from "./whole-words.ts";
import { widenChecks } from "./widen-checks.ts";

function parse(body: string) {
  const lines = body
    .trim()
    .split("\n")
    .map((line) => `  ${line.trim()}`);
  const labelled = lines.map((line) => (/^ {2}b\d+/.test(line) ? line.trim() : line)).join("\n");
  return parseIr(`program p\n\nglobal function p(v0: context) {\n${labelled}\n}\n`);
}

/** The function's body after the passes, checked for being well formed. */
function after(body: string, ...passes: readonly ((fn: IrFunction) => boolean)[]): string[] {
  const program = parse(body);
  const [fn] = program.functions;
  for (const pass of passes) pass(fn!);
  assertIr(program);
  return printFunction(fn!)
    .split("\n")
    .slice(1, -2)
    .map((line) => line.trim());
}

test("simplify computes constants and removes identities", () => {
  const lines = after(
    `b0:
    v1 = const 6
    v2 = const 7
    v3 = mul64 v1, v2
    v4 = const 0
    v5 = load u8 [v0 + 0] context
    v6 = add64 v5, v4
    v7 = zext16 v6
    v8 = add64 v7, v3
    return v8`,
    simplify,
    removeDeadCode,
  );
  assert.deepEqual(lines, ["b0:", "v3 = const 42", "v5 = load u8 [v0 + 0] context", "v8 = add64 v5, v3", "return v8"]);
});

test("simplify keeps a mask that the verifier needs: it knows nothing of a byte swap's result", () => {
  const lines = after(
    `b0:
    v1 = load u16 [v0 + 0] context
    v2 = bswap16 v1
    v3 = zext16 v2
    return v3`,
    simplify,
  );
  assert.ok(lines.includes("v3 = zext16 v2"));
});

test("simplify keeps a 32-bit operation that clears the upper half", () => {
  const lines = after(
    `b0:
    v1 = load u64 [v0 + 0] context
    v2 = const 0
    v3 = add32 v1, v2
    return v3`,
    simplify,
  );
  assert.ok(lines.includes("v3 = add32 v1, v2"));
});

test("a constant part of an address becomes the displacement", () => {
  const lines = after(
    `b0:
    v1 = const 14
    v2 = address v0 + v1
    v3 = load u8 [v2 + 9] packet
    return v3`,
    simplify,
    removeDeadCode,
  );
  assert.deepEqual(lines, ["b0:", "v3 = load u8 [v0 + 23] packet", "return v3"]);
});

test("a parameter that is the same constant on every edge becomes that constant", () => {
  const lines = after(
    `b0:
    v1 = const 1
    v2 = const 1
    v3 = load u32 [v0 + 0] context
    branch eq64 v3, v1 ? b1 : b2
    b1:
    jump b3(v1)
    b2:
    jump b3(v2)
    b3(v4):
    return v4`,
    simplify,
    removeDeadCode,
  );
  assert.ok(lines.includes("v4 = const 1"));
});

test("threading sends an edge whose flag is known past the test of the flag", () => {
  const lines = after(
    `b0:
    v1 = const 0
    v2 = const 1
    v3 = load u32 [v0 + 0] context
    branch eq64 v3, v1 ? b1 : b2
    b1:
    jump b3(v1)
    b2:
    jump b3(v2)
    b3(v4):
    v5 = const 0
    branch ne64 v4, v5 ? b4 : b5
    b4:
    v6 = const 10
    return v6
    b5:
    v7 = const 20
    return v7`,
    threadJumps,
  );
  assert.ok(lines.includes("branch eq64 v3, v1 ? b5 : b4"), lines.join("\n"));
});

test("threading leaves a block alone whose values are used behind it", () => {
  const body = `b0:
    v1 = const 0
    v2 = const 1
    v3 = load u32 [v0 + 0] context
    branch eq64 v3, v1 ? b1 : b2
    b1:
    jump b3(v1)
    b2:
    jump b3(v2)
    b3(v4):
    branch ne64 v4, v1 ? b4 : b5
    b4:
    return v4
    b5:
    return v1`;
  assert.ok(after(body, threadJumps).some((line) => line.startsWith("b3(")));
});

test("numbering finds equal computations and loads, but no load across a store to its region", () => {
  const lines = after(
    `b0:
    v1 = load u32 [v0 + 0] context
    v2 = load u16 [v1 + 12] packet
    v3 = load u16 [v1 + 12] packet
    v4 = add64 v2, v3
    store u8 [v1 + 0] packet, v4
    v5 = load u16 [v1 + 12] packet
    v6 = add64 v4, v5
    return v6`,
    numberValues,
  );
  assert.ok(lines.includes("v4 = add64 v2, v2"));
  assert.ok(lines.includes("v5 = load u16 [v1 + 12] packet"));
});

test("numbering forgets the packet's bounds behind a helper that moves the packet", () => {
  const lines = after(
    `b0:
    v1 = load u32 [v0 + 0] context
    v2 = const 4
    v3 = helper xdpAdjustHead(v0, v2)
    v4 = load u32 [v0 + 0] context
    v5 = sub64 v4, v1
    return v5`,
    numberValues,
  );
  assert.ok(lines.includes("v4 = load u32 [v0 + 0] context"));
});

test("a bounds check behind a farther one of the same base goes", () => {
  const lines = after(
    `b0:
    v1 = load u32 [v0 + 0] context
    v2 = load u32 [v0 + 4] context
    v3 = const 34
    v4 = address v1 + v3
    v5 = const 14
    v6 = address v1 + v5
    v7 = const 2
    branch ule64 v4, v2 ? b1 : b2
    b1:
    branch ule64 v6, v2 ? b3 : b2
    b2:
    return v7
    b3:
    return v5`,
    correlateBranches,
  );
  assert.deepEqual(lines.slice(lines.indexOf("b1:"), lines.indexOf("b1:") + 2), ["b1:", "jump b3"]);
});

test("a nearer check does not settle a farther one", () => {
  const body = `b0:
    v1 = load u32 [v0 + 0] context
    v2 = load u32 [v0 + 4] context
    v3 = const 14
    v4 = address v1 + v3
    v5 = const 34
    v6 = address v1 + v5
    branch ule64 v4, v2 ? b1 : b2
    b1:
    branch ule64 v6, v2 ? b3 : b2
    b2:
    return v3
    b3:
    return v5`;
  assert.ok(after(body, correlateBranches).includes("branch ule64 v6, v2 ? b3 : b2"));
});

test("a value that was compared before is known behind the branch", () => {
  const lines = after(
    `b0:
    v1 = load u8 [v0 + 0] context
    v2 = const 6
    v3 = const 17
    branch eq64 v1, v2 ? b1 : b2
    b1:
    branch eq64 v1, v3 ? b2 : b3
    b2:
    return v2
    b3:
    return v3`,
    correlateBranches,
  );
  assert.equal(lines[lines.indexOf("b1:") + 1], "jump b3");
});

test("a swapped value is compared with a swapped constant", () => {
  const lines = after(
    `b0:
    v1 = load u16 [v0 + 12] context
    v2 = bswap16 v1
    v3 = const 2048
    branch eq64 v2, v3 ? b1 : b2
    b1:
    return v3
    b2:
    return v1`,
    reduceStrength,
    removeDeadCode,
  );
  assert.ok(lines.some((line) => /= const 8$/.test(line)));
  assert.ok(lines.some((line) => /^branch eq64 v1, v\d+ \? b1 : b2$/.test(line)));
});

test("powers of two become shifts and masks", () => {
  const lines = after(
    `b0:
    v1 = load u32 [v0 + 0] context
    v2 = const 8
    v3 = mul64 v1, v2
    v4 = udiv64 v3, v2
    v5 = umod64 v4, v2
    return v5`,
    reduceStrength,
  );
  const operations = lines.map((line) => /= (\w+64) /.exec(line)?.[1]).filter(Boolean);
  assert.deepEqual(operations, ["shl64", "lshr64", "and64"]);
});

test("a store that is overwritten before anyone reads goes; one that a helper reads stays", () => {
  const lines = after(
    `slot s0: 8 align 8
    b0:
    v1 = const 0
    v2 = slot s0
    v3 = map 0
    v4 = const 5
    store u64 [v2 + 0] stack, v1
    store u32 [v2 + 0] stack, v4
    store u32 [v2 + 4] stack, v4
    v5 = helper mapLookup(v3, v2)
    store u32 [v2 + 0] stack, v1
    v6 = helper mapLookup(v3, v2)
    return v6`,
    removeDeadStores,
  );
  assert.equal(lines.filter((line) => line.startsWith("store")).length, 3);
});

test("stores to a slot that nothing reads go; those to one whose address goes elsewhere stay", () => {
  const lines = after(
    `slot s0: 8 align 8
    slot s1: 8 align 8
    slot s2: 8 align 8
    b0:
    v1 = const 7
    v2 = slot s0
    v3 = slot s1
    v4 = slot s2
    store u64 [v2 + 0] stack, v1
    store u64 [v3 + 0] stack, v1
    store u64 [v4 + 0] stack, v1
    jump b1(v3)
    b1(v5):
    store u32 [v2 + 4] stack, v1
    v6 = load u64 [v5 + 0] stack
    v7 = load u64 [v4 + 0] stack
    v8 = add64 v6, v7
    return v8`,
    removeDeadStores,
  );
  const stores = lines.filter((line) => line.startsWith("store"));
  assert.deepEqual(stores, ["store u64 [v3 + 0] stack, v1", "store u64 [v4 + 0] stack, v1"]);
});

test("dead code goes, effects stay, and a loop-carried value that nobody reads is dead", () => {
  const lines = after(
    `b0:
    v1 = const 0
    v2 = const 1
    v3 = helper getPrandomU32()
    jump b1(v1, v1)
    b1(v4, v5):
    v6 = add64 v4, v2
    v7 = add64 v5, v2
    v8 = const 10
    branch ult64 v6, v8 ? b1(v6, v7) : b2
    b2:
    return v6`,
    removeDeadCode,
  );
  assert.ok(lines.includes("v3 = helper getPrandomU32()"));
  assert.ok(lines.includes("b1(v4):"), lines.join("\n"));
});

test("all passes together reach a fixed point on a parse of two headers", () => {
  const program = parse(`b0:
    v1 = load u32 [v0 + 0] context
    v2 = load u32 [v0 + 4] context
    v3 = const 14
    v4 = address v1 + v3
    v5 = const 0
    v6 = const 1
    branch ule64 v4, v2 ? b1 : b2
    b1:
    jump b3(v6)
    b2:
    jump b3(v5)
    b3(v7):
    branch ne64 v7, v5 ? b4 : b5
    b4:
    v8 = load u16 [v1 + 12] packet
    v9 = bswap16 v8
    v10 = const 2048
    branch ne64 v9, v10 ? b5 : b6
    b5:
    v11 = const 2
    return v11
    b6:
    return v6`);
  optimize(program);
  assertIr(program);
  assert.equal(program.functions[0]!.blocks.length, 4);
});

const twoChecks = (between: string): string => `b0:
    v1 = load u32 [v0 + 0] context
    v2 = load u32 [v0 + 4] context
    v3 = const 14
    v4 = address v1 + v3
    branch ule64 v4, v2 ? b1 : b2
    b1:
    v5 = load u16 [v1 + 12] packet
    v6 = const 8
    ${between}
    branch eq64 v5, v6 ? b3 : b2
    b2:
    v7 = const 2
    return v7
    b3:
    v8 = const 34
    v9 = address v1 + v8
    branch ule64 v9, v2 ? b4 : b2
    b4:
    return v6`;

test("checks that fail alike become one for the farthest byte", () => {
  const lines = after(twoChecks(""), widenChecks, numberValues, correlateBranches, removeDeadCode);
  assert.equal(lines.filter((line) => line.startsWith("branch ule64")).length, 1, lines.join("\n"));
  assert.ok(lines.some((line) => /= const 34$/.test(line)));
});

test("a check is not widened over an effect", () => {
  const lines = after(twoChecks("v10 = helper getPrandomU32()"), widenChecks, numberValues, correlateBranches);
  assert.equal(lines.filter((line) => line.startsWith("branch ule64")).length, 2);
});

test("exits with the same verdict become one", () => {
  const lines = after(
    `b0:
    v1 = load u32 [v0 + 0] context
    v2 = const 1
    branch eq64 v1, v2 ? b1 : b2
    b1:
    v3 = const 2
    return v3
    b2:
    v4 = const 2
    return v4`,
    mergeExits,
  );
  assert.equal(lines.filter((line) => line.startsWith("return")).length, 1);
});

test("a word of the stack that halves fill is stored as a whole first; one that is read in between is not", () => {
  const body = (between: string): string => `
    slot s0: 8 align 8
    b0:
    v1 = slot s0
    v2 = load u32 [v0 + 0] context
    store u32 [v1 + 0] stack, v2
    ${between}
    store u32 [v1 + 4] stack, v2
    return v2`;
  assert.deepEqual(
    after(body("v3 = const 1"), claimWords).filter((line) => /store|const 0/.test(line)),
    ["v4 = const 0", "store u64 [v1 + 0] stack, v4", "store u32 [v1 + 0] stack, v2", "store u32 [v1 + 4] stack, v2"],
  );
  const read = body("v3 = load u32 [v1 + 0] stack");
  assert.equal(after(read, claimWords).filter((line) => line.startsWith("store")).length, 2);
});
