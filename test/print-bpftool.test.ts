import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { test } from "node:test";
import { assemble } from "../src/bytecode/assemble.ts";
import { printProgram } from "../src/bytecode/print.ts";
import { KernelProgram } from "../src/kernel/programs.ts";
import { skipWithoutBpf } from "../src/kernel/testing.ts";

const hasBpftool = spawnSync("bpftool", ["version"]).status === 0;
const skip = skipWithoutBpf || (hasBpftool ? false : "bpftool is not installed");

test("programs print as bpftool prints them", { skip }, () => {
  // Instructions that the verifier does not rewrite, and that bpftool of 2022 knows.
  const program = assemble(`
    mov %r6, %r1
    ldxw %r0, [%r6+8]
    mov32 %r2, %r0
    add %r2, -5
    sub32 %r2, %r0
    mul %r2, 3
    or %r2, 0x7f
    and32 %r2, %r0
    lsh %r2, 3
    rsh32 %r2, 1
    arsh %r2, 2
    xor %r2, %r0
    neg %r2
    neg32 %r2
    be16 %r2
    be64 %r2
    le32 %r2
    lddw %r3, 0x123456789abcdef0
    stxdw [%r10-8], %r3
    stw [%r10-12], -7
    sth [%r10-14], 7
    stb [%r10-15], 7
    ldxdw %r4, [%r10-8]
    ldxw %r4, [%r10-12]
    ldxh %r4, [%r10-14]
    lock add [%r10-8], %r4
    lock or32 [%r10-12], %r4
    lock fetch add [%r10-8], %r4
    lock fetch xor32 [%r10-12], %r4
    lock xchg [%r10-8], %r4
    lock cmpxchg [%r10-8], %r4
    ldxw %r0, [%r6+8]
    ldxw %r4, [%r6+8]
    ldxw %r2, [%r6+32]
    jne %r0, 5, other
    jsgt32 %r2, -5, other
    jset %r4, 0x10, other
    jle %r4, %r2, other
    jslt32 %r4, %r2, other
    mov32 %r0, 0
    ja out
  other:
    mov32 %r0, 1
  out:
    exit`);
  using loaded = KernelProgram.load({ name: "printed", type: "sched_cls", instructions: program, license: "GPL" });
  const listing = execFileSync("bpftool", ["prog", "dump", "xlated", "id", `${loaded.info().id}`], {
    encoding: "utf8",
  });
  const line = (text: string) => text.replace(/^ *(\d+): /, "$1: ").replace(/^(\d+): \([0-9a-f]+\) /, "$1: ");
  const normal = (text: string) => text.trim().split("\n").map(line);
  // Loads from the context are rewritten.
  const same = (lines: readonly string[]) => lines.filter((text) => !text.includes("= *(u32 *)(r6"));
  assert.deepEqual(same(normal(printProgram(program))), same(normal(listing)));
});
