import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it, test } from "node:test";
import { checkCase, readCase } from "./testing.ts";

const folder = new URL("../../test/vectors/bpf_conformance/", import.meta.url);

for (const file of readdirSync(folder).filter((name) => name.endsWith(".data"))) {
  test(`bpf_conformance ${file}`, () => checkCase(readCase(readFileSync(new URL(file, folder), "utf8"))));
}

describe("the form of the cases", () => {
  it("has memory in bytes, with and without 0x, over several lines", () => {
    const one = readCase("# a comment\n-- mem\n0x01 02 # two\nff\n-- asm\nexit\n-- result\n0x5\n");
    assert.deepEqual(one.memory, Uint8Array.of(1, 2, 255));
  });

  it("has programs in words: decimal, hexadecimal, without assembly", () => {
    checkCase(readCase("-- raw\n0x00000007000000b7\n149 # exit\n-- result\n7\n"));
  });

  it("has results of 64 bits, signed or not", () => {
    checkCase(readCase("--asm\r\nmov %r0, -1\r\nexit\r\n-- result # all ones\r\n0xffffffffffffffff\r\n"));
    checkCase(readCase("-- asm\nmov %r0, -2\nexit\n-- result\n-2\n"));
    checkCase(readCase("-- asm\nmov32 %r0, -1\nexit\n-- result\n4294967295\n"));
  });

  it("has sections for others", () => {
    const others = "-- c\nint f() { return 0xasm; } -- result\n-- no register offset\ncall instruction\n";
    checkCase(readCase(`-- asm\nmov %r0, 3\nexit\n${others}-- register offset instruction\nx\n-- result\n3\n`));
  });

  it("starts without memory with zeros in r1 and r2", () => {
    checkCase(readCase("-- asm\nmov %r0, %r1\nor %r0, %r2\nexit\n-- result\n0\n"));
    checkCase(
      readCase("-- asm\nmov %r0, %r2\nldxb %r3, [%r1+2]\nadd %r0, %r3\nexit\n-- mem\n01 02 03\n-- result\n6\n"),
    );
  });

  it("has errors of assembly, of the form and at run time", () => {
    const errors = [
      "-- asm\nmov %r11, 0\nexit\n",
      "-- asm\nja +5\nexit\n",
      "-- raw\n0x00000000000000ff\n0x0000000000000095\n",
      "-- raw\n0x5566778800000018\n",
      "-- asm\nldxdw %r0, [%r1+8]\nexit\n-- mem\n00 00\n",
      "-- asm\nstw [%r10+0], 1\nexit\n",
      "-- asm\nja -1\nexit\n",
      "-- asm\nmov %r1, 999999\ncall %r1\nexit\n",
    ];
    for (const text of errors) checkCase(readCase(`${text}-- error\nwhatever another runtime says\n`));
  });

  it("is held against what the machine does", () => {
    const wrong = [
      "-- asm\nmov %r0, 1\nexit\n-- result\n2\n",
      "-- asm\nmov %r0, 1\nexit\n-- error\nfails\n",
      "-- asm\nmov %r0, 1\nexit\n-- raw\n0x00000002000000b7\n0x95\n-- result\n1\n",
      "-- asm\nexit\n",
      "-- result\n1\n",
    ];
    for (const text of wrong) assert.throws(() => checkCase(readCase(text)), assert.AssertionError, text);
  });
});

/** What an instruction does to r0, for each form of it that the assembler has. */
const forms: readonly (readonly [what: string, program: string, result: bigint])[] = [
  ["ja32 over more than 16 bits", `ja32 far\n${"add %r0, 1\n".repeat(40_000)}far:\nmov %r0, 7`, 7n],
  ["a jump by a signed distance", "mov %r0, 1\nja +1\nmov %r0, 2\njeq %r0, 1, +1\nmov %r0, 3", 1n],
  ["a jump back", "mov %r0, 0\nmore:\nadd %r0, 1\njlt %r0, 5, more", 5n],
  ["the first exit as a label", "mov %r0, 1\njne %r0, 2, exit\nmov %r0, 3", 1n],
  [
    "lddw as the target's neighbour",
    "ja next\nlddw %r0, 0x1122334455667788\nnext:\nlddw %r0, 0xffffffff00000001",
    0xffffffff00000001n,
  ],
  ["jset32 on the low half", "lddw %r1, 0x100000000\nmov %r0, 1\njset32 %r1, -1, exit\nmov %r0, 2", 2n],
  ["jset on all of it", "lddw %r1, 0x8000000000000000\nmov %r0, 1\njset %r1, 0x80000000, exit\nmov %r0, 2", 1n],
  ["jsgt32 with a sign", "mov32 %r1, -5\nmov %r0, 1\njsgt32 %r1, -6, exit\nmov %r0, 2", 1n],
  ["unsigned comparison with an extended immediate", "mov %r1, -1\nmov %r0, 1\njge %r1, -1, exit\nmov %r0, 2", 1n],
  ["call by register", "mov %r2, 5\ncall %r2\nmov %r0, 2", 2n],
  [
    "a local call keeps r6 to r9",
    "mov %r6, 4\ncall local f\nadd %r0, %r6\nja over\nf:\nmov %r6, 9\nmov %r0, 1\nexit\nover:",
    5n,
  ],
  [
    "a local call's stack of its own",
    "stdw [%r10-8], 3\ncall local f\nldxdw %r0, [%r10-8]\nja over\nf:\nstdw [%r10-8], 9\nexit\nover:",
    3n,
  ],
  ["sdiv32 by a register", "mov32 %r0, -7\nmov32 %r1, 2\nsdiv32 %r0, %r1", 0xfffffffdn],
  ["smod of the least number", "lddw %r0, 0x8000000000000000\nsmod %r0, -1", 0n],
  ["sdiv of the least number", "lddw %r0, 0x8000000000000000\nsdiv %r0, -1", 0x8000000000000000n],
  ["movsx from a register to itself", "mov %r0, 0x80\nmovsx832 %r0, %r0", 0xffffff80n],
  ["movsx3264", "mov32 %r0, -1\nmovsx3264 %r0, %r0", 2n ** 64n - 1n],
  ["signed loads", "stw [%r10-4], -2\nldxsw %r0, [%r10-4]\nldxsb %r1, [%r10-4]\nadd %r0, %r1", 2n ** 64n - 4n],
  ["swap16", "lddw %r0, 0x1122334455667788\nswap16 %r0", 0x8877n],
  ["le32 cuts", "lddw %r0, 0x1122334455667788\nle32 %r0", 0x55667788n],
  [
    "lock cmpxchg32 clears the upper half",
    "stdw [%r10-8], -1\nmov %r1, 5\nmov %r0, 1\nlock cmpxchg32 [%r10-8], %r1",
    0xffffffffn,
  ],
  [
    "lock cmpxchg that holds",
    "stdw [%r10-8], 4\nmov %r1, 5\nmov %r0, 4\nlock cmpxchg [%r10-8], %r1\nldxdw %r1, [%r10-8]\nadd %r0, %r1",
    9n,
  ],
  [
    "lock fetch add32 gives the old value",
    "stdw [%r10-8], -1\nmov %r0, 2\nlock fetch add32 [%r10-8], %r0",
    0xffffffffn,
  ],
  [
    "lock add32 leaves the upper half",
    "stdw [%r10-8], -1\nmov %r1, 1\nlock add32 [%r10-8], %r1\nldxdw %r0, [%r10-8]",
    0xffffffff00000000n,
  ],
  ["lock xchg32", "stdw [%r10-8], -1\nlddw %r0, 0x700000003\nlock xchg32 [%r10-8], %r0", 0xffffffffn],
  [
    "lock fetch xor, or, and",
    "stdw [%r10-8], 12\nmov %r0, 10\nlock fetch xor [%r10-8], %r0\nlock fetch or [%r10-8], %r0\nlock fetch and [%r10-8], %r0\nldxdw %r0, [%r10-8]",
    6n,
  ],
];

for (const [what, program, result] of forms) {
  test(`the machine and the assembler: ${what}`, () => {
    checkCase(readCase(`-- asm\n${program}\nexit\n-- result\n${result}\n`));
  });
}
