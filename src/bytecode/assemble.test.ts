import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "./assemble.ts";
import * as build from "./build.ts";

test("labels count slots, also across wide loads and backwards", () => {
  const program = assemble(
    `
    start:
      lddw %r1, 0x1_0
      jeq %r1, 0, done
      call local start
      ja32 start
    done:
      exit`.replace("0x1_0", "0x10"),
  );
  assert.deepEqual(program, [
    build.loadWide(1, 16n),
    build.jump("eq", 1, 0, 2),
    build.callLocal(-4),
    build.gotol(-5),
    build.exit(),
  ]);
});

test("the label exit is the first exit statement", () => {
  assert.deepEqual(assemble("jne %r0, 1, exit\nmov %r0, 2\nexit\nexit")[0], build.jump("ne", 0, 1, 1));
});

test("comments, blanks and commas are free", () => {
  assert.deepEqual(assemble("  ldxw   %r0 ,[ %r1 + 4 ]# word\n\n#x\n"), [build.load(4, 0, 1, 4)]);
});

test("hex immediates are bit patterns", () => {
  assert.deepEqual(assemble("mov %r0, 0xffffffff"), [build.movImm(0, -1)]);
  assert.deepEqual(assemble("lddw %r0, -1"), [build.loadWide(0, 2n ** 64n - 1n)]);
});

test("immediates may be written unsigned, or as the 64 bits that they are extended to", () => {
  assert.deepEqual(assemble("mov %r0, 4294967295\nmov %r0, 0xffffffff80000000\nmov %r0, 2147483648"), [
    build.movImm(0, -1),
    build.movImm(0, -0x8000_0000),
    build.movImm(0, -0x8000_0000),
  ]);
});

test("distances of ja32 and of local calls have 32 bits", () => {
  assert.deepEqual(assemble("ja32 +100000\nja32 -100000\ncall local +70000"), [
    build.gotol(100_000),
    build.gotol(-100_000),
    build.callLocal(70_000),
  ]);
});

test("mistakes are refused with their line", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["\nfrob %r0", /line 2: unknown mnemonic "frob"/],
    ["mov %r11, 0", /%r11/],
    ["mov %r0", /mov takes 2 operands, not 1/],
    ["mov %r0, 0x100000000", /out of range/],
    ["mov %r0, 4294967296", /out of range/],
    ["mov %r0, -2147483649", /out of range/],
    ["mov %r0, 0xffffffff00000000", /out of range/],
    ["ja +32768", /out of range/],
    ["ja32 +2147483648", /out of range/],
    ["ldxw %r0, [%r1+0x10000]", /out of range/],
    ["ldxw %r0, %r1", /no memory operand/],
    ["ja nowhere", /label "nowhere" is not defined/],
    ["a:\na:", /defined twice/],
    ["lock", /operand 1 is missing/],
    ["lock frob [%r1], %r2", /no atomic operation/],
    ["lock add [%r1]", /takes an operation/],
    ["call nothing 5", /no kind of call/],
  ];
  for (const [text, message] of cases) {
    assert.throws(() => assemble(text), { code: "E_FORMAT", message }, text);
  }
});
