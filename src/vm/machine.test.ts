import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../bytecode/assemble.ts";
import * as build from "../bytecode/build.ts";
import type { Instruction } from "../bytecode/instruction.ts";
import { run, runWithArguments } from "./run.ts";

const fault = (program: readonly Instruction[], options = {}) => {
  try {
    run(program, options);
  } catch (error) {
    return String((error as Error).message);
  }
  return "no fault";
};

test("an access outside of a region faults with slot, instruction and reason", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      "ldxb %r0, [%r1+4]",
      /slot 0 \(r0 = \*\(u8 \*\)\(r1 \+4\)\): access to 1 bytes at the context\+4 is outside of its 4/,
    ],
    ["ldxdw %r0, [%r1]", /access to 8 bytes at the context\+0/],
    ["stb [%r1-1], 0", /the context\+-1/],
    ["stxdw [%r10+0], %r1", /the stack of frame 0\+512/],
    ["ldxb %r0, [%r10-513]", /the stack of frame 0\+-1/],
    ["mov %r1, 0\nldxw %r0, [%r1+16]", /slot 1 .*a null pointer/],
    ["mov %r1, -1\nldxw %r0, [%r1]", /no memory of the program/],
    ["lock add [%r10-12], %r1", /not aligned to 8/],
    ["mov32 %r1, %r1\nldxw %r0, [%r1]", /no memory of the program/],
  ];
  for (const [text, message] of cases) {
    assert.match(fault(assemble(`${text}\nexit`), { memory: new Uint8Array(4) }), message, text);
  }
});

test("reads of the context's read-only parts work and writes fault", () => {
  const options = { memory: new Uint8Array(8), writable: [[4, 4]] };
  assert.equal(fault(assemble("stw [%r1+4], 1\nldxw %r0, [%r1]\nexit"), options), "no fault");
  assert.match(fault(assemble("stw [%r1], 1\nexit"), options), /the context\+0, which is read-only/);
});

test("an endless loop ends at the budget", () => {
  assert.match(fault(assemble("a:\nja a"), { budget: 1000 }), /the budget of 1000 instructions is used up/);
});

test("may_goto ends a loop after the kernel's number of rounds", () => {
  const program = assemble("mov %r0, 0\na:\nadd %r0, 1\nmay_goto done\nja a\ndone:\nexit");
  assert.equal(run(program, { budget: 40_000_000 }).result, 8n * 1024n * 1024n + 1n);
});

test("uninitialised stack is poison, or a fault on request", () => {
  const program = assemble("ldxdw %r0, [%r10-8]\nexit");
  assert.equal(run(program).result, 0xa5a5a5a5a5a5a5a5n);
  assert.match(fault(program, { trapUninitialised: true }), /byte -8 of the stack of frame 0, which was never written/);
  assert.equal(run(assemble("stdw [%r10-8], 7\nldxdw %r0, [%r10-8]\nexit"), { trapUninitialised: true }).result, 7n);
});

test("a local call keeps r6..r9, loses r1..r5 and has its own stack", () => {
  const program = assemble(`
    mov %r6, 6
    mov %r1, 40
    stdw [%r10-8], 1
    call local f
    add %r0, %r6
    ldxdw %r1, [%r10-8]
    add %r0, %r1
    exit
  f:
    mov %r6, 1000
    stdw [%r10-8], 2
    mov %r0, %r1
    exit`);
  assert.equal(run(program).result, 47n);
  assert.equal(run(assemble("mov %r1, 1\ncall local f\nmov %r0, %r1\nexit\nf:\nexit")).result, 0xa5a5a5a5a5a5a5a5n);
});

test("a callee may write to its caller's stack, but the stack of a frame that returned is gone", () => {
  const through = assemble(
    "mov %r1, %r10\nadd %r1, -8\ncall local f\nldxdw %r0, [%r10-8]\nexit\nf:\nstdw [%r1], 9\nmov %r0, 0\nexit",
  );
  assert.equal(run(through).result, 9n);
  const dangling = assemble("call local f\nldxb %r0, [%r0-8]\nexit\nf:\nmov %r0, %r10\nexit");
  assert.match(fault(dangling), /the stack of frame 1\+504 is outside of its 0 bytes/);
});

test("eight frames fit, a ninth faults", () => {
  const nested = (depth: number) =>
    assemble(
      `mov %r1, ${depth}\nmov %r0, 0\ncall local f\nexit\nf:\njeq %r1, 1, out\nsub %r1, 1\ncall local f\nout:\nexit`,
    );
  assert.equal(run(nested(7)).result, 0n);
  assert.match(fault(nested(8)), /call stack of 8 frames/);
});

test("callx calls a function by its address and a helper by its number", () => {
  const callx = (dst: number): Instruction => ({ opcode: 0x8d, dst, src: 0, offset: 0, imm: 0 });
  const byAddress = [build.loadFunction(2, 3), callx(2), build.exit(), build.movImm(0, 8), build.exit()];
  assert.equal(run(byAddress).result, 8n);
  assert.equal(run([build.movImm(2, 8), callx(2), build.exit()], { cpu: 3 }).result, 3n);
  assert.match(fault([build.movImm(2, 9999), callx(2), build.exit()]), /r2 holds neither/);
});

test("bad control flow is refused before the program runs", () => {
  const cases: readonly (readonly [readonly Instruction[], RegExp])[] = [
    [[build.ja(5), build.exit()], /slot 0 \(goto pc\+5\) leads to slot 6/],
    [[build.ja(1), build.loadWide(0, 1n), build.exit()], /leads to slot 2/],
    [[build.callLocal(-3), build.exit()], /leads to slot -2/],
    [[{ opcode: 0xff, dst: 0, src: 0, offset: 0, imm: 0 }], /BUG_ff/],
  ];
  for (const [program, message] of cases) {
    assert.throws(() => run(program), { code: "E_FORMAT", message });
  }
  assert.match(fault([build.movImm(0, 1)]), /runs past its end/);
  assert.match(fault([build.callHelper(999), build.exit()]), /no helper 999/);
});

test("ordered loads and stores, and every atomic, act on memory", () => {
  const memory = new Uint8Array(16);
  const word = new DataView(memory.buffer);
  const program = [
    build.movImm(2, 5),
    build.storeRelease(8, 1, 0, 2),
    build.atomic("fetch_add", 8, 1, 0, 2),
    build.atomic("xchg", 4, 1, 8, 2),
    build.loadAcquire(2, 0, 1, 0),
    build.exit(),
  ];
  assert.equal(run(program, { memory }).result, 10n);
  assert.equal(word.getUint32(8, true), 5);
});

test("BTF tracepoint arguments are read as 64-bit words", () => {
  assert.equal(runWithArguments(assemble("ldxdw %r0, [%r1+8]\nexit"), [1n, -2n]).result, 2n ** 64n - 2n);
});
