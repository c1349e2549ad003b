import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "./assemble.ts";
import * as build from "./build.ts";
import type { Instruction } from "./instruction.ts";
import { printInstruction, printProgram } from "./print.ts";

const one = (text: string) => printInstruction(assemble(text)[0]!);

test("assembly prints as the kernel's disassembler shows it", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["mov %r0, -1", "r0 = -1"],
    ["mov32 %r0, %r1", "w0 = w1"],
    ["add %r1, %r2", "r1 += r2"],
    ["sdiv32 %r1, 5", "w1 s/= 5"],
    ["smod %r1, %r2", "r1 s%= r2"],
    ["arsh %r1, 5", "r1 s>>= 5"],
    ["neg %r3", "r3 = -r3"],
    ["neg32 %r3", "w3 = -w3"],
    ["movsx1664 %r1, %r2", "r1 = (s16)r2"],
    ["movsx832 %r1, %r2", "w1 = (s8)w2"],
    ["be16 %r1", "r1 = be16 r1"],
    ["le64 %r1", "r1 = le64 r1"],
    ["swap32 %r1", "r1 = bswap32 r1"],
    ["ldxw %r0, [%r1+4]", "r0 = *(u32 *)(r1 +4)"],
    ["ldxsb %r0, [%r1-4]", "r0 = *(s8 *)(r1 -4)"],
    ["stxdw [%r10-8], %r1", "*(u64 *)(r10 -8) = r1"],
    ["stb [%r10-8], 7", "*(u8 *)(r10 -8) = 7"],
    ["lock add [%r1], %r2", "lock *(u64 *)(r1 +0) += r2"],
    ["lock fetch xor32 [%r1+4], %r2", "r2 = atomic_fetch_xor((u32 *)(r1 +4), r2)"],
    ["lock xchg [%r1+8], %r2", "r2 = atomic64_xchg((u64 *)(r1 +8), r2)"],
    ["lock cmpxchg32 [%r1+8], %r2", "r0 = atomic_cmpxchg((u32 *)(r1 +8), r0, r2)"],
    ["jsgt32 %r1, 5, +3", "if w1 s> 0x5 goto pc+3"],
    ["jset %r1, %r2, -3", "if r1 & r2 goto pc-3"],
    ["jne %r1, -1, +0", "if r1 != 0xffffffff goto pc+0"],
    ["ja +9", "goto pc+9"],
    ["ja32 +9", "gotol pc+9"],
    ["may_goto +9", "may_goto pc+9"],
    ["call 1", "call bpf_map_lookup_elem#1"],
    ["call helper bpf_redirect_map", "call bpf_redirect_map#51"],
    ["call local +4", "call pc+4"],
    ["call runtime 700", "call kernel-function#700"],
    ["call %r2", "callx r2"],
    ["lddw %r1, 0xffffffffffffffff", "r1 = 0xffffffffffffffff"],
    ["exit", "exit"],
  ];
  for (const [text, printed] of cases) {
    assert.equal(one(text), printed, text);
  }
});

test("instructions without assembly syntax print too", () => {
  const cases: readonly (readonly [Instruction, string])[] = [
    [build.loadMapFd(1, 5), "r1 = map[fd:5]"],
    [build.loadMapValue(1, 5, 16), "r1 = map[fd:5][0]+16"],
    [build.loadFunction(2, -6), "r2 = subprog[-6]"],
    [build.loadAcquire(4, 1, 2, 8), "r1 = load_acquire((u32 *)(r2 +8))"],
    [build.storeRelease(8, 1, 8, 2), "store_release((u64 *)(r1 +8), r2)"],
    [{ opcode: 0x28, dst: 0, src: 0, offset: 0, imm: 12 }, "r0 = *(u16 *)skb[12]"],
    [{ opcode: 0xff, dst: 0, src: 0, offset: 0, imm: 12 }, "BUG_ff"],
  ];
  for (const [instruction, printed] of cases) {
    assert.equal(printInstruction(instruction), printed);
  }
});

test("a program prints with slot numbers and, on request, opcodes and names", () => {
  const program = [build.loadMapFd(1, 5), build.callKfunc(700), build.exit()];
  const options = { opcodes: true, mapName: () => "flows", kfuncName: () => "bpf_iter_num_new" };
  assert.equal(
    printProgram(program, options),
    "   0: (18) r1 = map[flows]\n   2: (85) call bpf_iter_num_new#700\n   3: (95) exit\n",
  );
});
