import assert from "node:assert/strict";
import { test } from "node:test";
import { causeInWords } from "./verifier-causes.ts";
import { VerifierError } from "./verifier-error.ts";
import { parseVerifierLog } from "./verifier-log.ts";

test("an old log gives reason, instruction, source text and statistics", () => {
  const parsed = parseVerifierLog(
    [
      "0: R1=ctx(off=0,imm=0) R10=fp0",
      "; const ip = packet.at(14, Ipv4);",
      "0: (61) r2 = *(u32 *)(r1 +0)          ; R1=ctx(off=0,imm=0) R2_w=pkt(off=0,r=0,imm=0)",
      "; return ip.protocol;",
      "1: (71) r0 = *(u8 *)(r2 +23)",
      "invalid access to packet, off=23 size=1, R2(id=0,off=23,r=0)",
      "R2 offset is outside of the packet",
      "verification time 52 usec",
      "stack depth 16+8",
      "processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 3 peak_states 1 mark_read 0",
      "",
    ].join("\n"),
  );
  assert.equal(parsed.form, "trace");
  assert.equal(parsed.lastLine, "R2 offset is outside of the packet");
  assert.match(parsed.reason, /^invalid access to packet.*; R2 offset is outside of the packet$/);
  assert.equal(parsed.slot, 1);
  assert.deepEqual(parsed.source, { text: "return ip.protocol;" });
  assert.deepEqual(parsed.statistics, {
    processed: 2,
    totalStates: 3,
    peakStates: 1,
    stackDepths: [16, 8],
    microseconds: 52,
  });
});

test("a comment with a place gives file and line", () => {
  const parsed = parseVerifierLog(
    "; return counts[index]; @ src/limit.ts:41\n12: (79) r0 = *(u64 *)(r1 +0)\nR1 invalid mem access 'scalar'\nprocessed 9 insns\n",
  );
  assert.deepEqual(parsed.source, { text: "return counts[index];", file: "src/limit.ts", line: 41 });
  assert.equal(parsed.slot, 12);
  assert.match(causeInWords(parsed.reason) ?? "", /number is used as a memory address/);
});

test("a reason that names its instruction wins over the trace", () => {
  assert.equal(parseVerifierLog("back-edge from insn 7 to 2\n").slot, 7);
  assert.equal(parseVerifierLog("unreachable insn 3\nprocessed 0 insns\n").slot, 3);
});

test("an empty log gives empty words rather than an error", () => {
  assert.deepEqual(parseVerifierLog(""), { form: "trace", lastLine: "", reason: "" });
});

test("a report of Linux 7.3 gives the trace's reason, its explanation, place, causal path and suggestion", () => {
  const parsed = parseVerifierLog(
    [
      "0: R1=ctx() R10=fp0",
      "5: (79) r0 = *(u64 *)(r0 +0)",
      "R0 invalid mem access 'map_value_or_null'",
      "",
      "Verification failed: Register Type Safety: Invalid dereference",
      "",
      "Reason:",
      "  R0 may be NULL here (a nullable map value pointer). The program could dereference NULL",
      "  on this path.",
      "",
      "At:",
      "  entry @ src/count.ts:18:3",
      "  Source context:",
      "      17 | const slot = usage.ref(key);",
      "  >>> 18 |   return slot.packets;",
      "           |   ^-- error: invalid dereference",
      "  Instruction context:",
      "      4 | (85) call bpf_map_lookup_elem#1",
      "  >>> 5 | (79) r0 = *(u64 *)(r0 +0)",
      "",
      "Causal path:",
      "  entry @ src/count.ts:17:16",
      "    R0 changed here",
      "",
      "Suggestion:",
      "  Check the pointer for NULL",
      "  before this access.",
      "",
      "processed 6 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0",
    ].join("\n"),
  );
  assert.equal(parsed.form, "report");
  assert.equal(parsed.lastLine, "R0 invalid mem access 'map_value_or_null'");
  assert.equal(parsed.reason, parsed.lastLine);
  assert.match(
    parsed.explanation ?? "",
    /^Register Type Safety: Invalid dereference: R0 may be NULL .* on this path\.$/,
  );
  assert.deepEqual(parsed.source, { file: "src/count.ts", line: 18, column: 3, text: "return slot.packets;" });
  assert.equal(parsed.slot, 5);
  assert.deepEqual(parsed.causalPath, ["  entry @ src/count.ts:17:16", "    R0 changed here"]);
  assert.equal(parsed.suggestion, "Check the pointer for NULL before this access.");
  assert.equal(parsed.statistics?.processed, 6);
});

test("a report without line information gives the instruction alone", () => {
  const parsed = parseVerifierLog(
    [
      "Verification failed: Program Structure: Unreachable code",
      "",
      "Reason:",
      "  No path reaches it.",
      "",
      "At:",
      "  insn 12",
      "       | ^-- error: unreachable code",
      "  Instruction context:",
      "  >>> 12 | (b7) r0 = 0",
      "",
    ].join("\n"),
  );
  assert.equal(parsed.slot, 12);
  assert.equal(parsed.source, undefined);
  assert.equal(parsed.reason, "Program Structure: Unreachable code: No path reaches it.");
  assert.equal(parsed.lastLine, parsed.reason);
});

/** Of Linux 7.3.4: r2 = ctx->data; r0 = *(u8 *)(r2 + 100), without line information. */
const shortPacket = `0: R1=ctx() R10=fp0
0: (61) r2 = *(u32 *)(r1 +0)          ; R1=ctx() R2=pkt(r=0)
1: (71) r0 = *(u8 *)(r2 +100)
invalid access to packet, off=100 size=1, R2(id=0,off=100,r=0)
R2 min value is outside of the allowed memory range

Verification failed: Memory Safety: Access outside bounds

Reason:
  The verifier cannot prove offset + access_size <= object_size. Here, the minimal bound for a
  memory access is 100 and is outside of the object of size 0. R2 is pkt; offset is constant 100;
  access_size is 1; object_size is 0.

At:
  insn 1
       | ^-- error: access may be outside object bounds
  Instruction context:
      0 | (61) r2 = *(u32 *)(r1 +0)
  >>> 1 | (71) r0 = *(u8 *)(r2 +100)
      2 | (95) exit

Causal path:
  insn 0
       | ^-- update: R2 changed from uninitialized value to pkt at offset 0
  Instruction context:
  >>> 0 | (61) r2 = *(u32 *)(r1 +0)
      1 | (71) r0 = *(u8 *)(r2 +100)
      2 | (95) exit

Suggestion:
  Add or adjust a bounds check that proves offset + access_size stays within the object.

verification time 1611 usec
stack depth max 0
subprog 0 (<unknown>) main insns_self 2 insns_total 2 stack 0
processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`;

test("a refusal with a report has the cause that it has on older kernels, and the kernel's words as detail", () => {
  const { causeText, message, parsed, slot } = new VerifierError("short", 13, shortPacket, undefined);
  assert.equal(slot, 1);
  assert.match(causeText ?? "", /without a check on this path/);
  assert.match(
    parsed.reason,
    /^invalid access to packet, off=100 size=1, R2\(id=0,off=100,r=0\); R2 min value is outside of the allowed memory range$/,
  );
  assert.match(parsed.explanation ?? "", /^Memory Safety: Access outside bounds: The verifier .* object_size is 0\.$/);
  const lines = message.split("\n");
  assert.match(lines[0]!, /program "short": packet bytes are read or written without a check/);
  assert.match(lines[1]!, /^ {2}verifier: invalid access to packet/);
  assert.match(lines[2]!, /^ {2}kernel: Memory Safety: /);
  assert.match(lines[3]!, /^ {2}suggestion: Add or adjust a bounds check/);
  assert.deepEqual(parsed.statistics, {
    processed: 2,
    totalStates: 0,
    peakStates: 0,
    stackDepths: [0],
    microseconds: 1611,
  });
});

test("the longer footer of Linux 7.3 is no part of the reason", () => {
  const parsed = parseVerifierLog(
    [
      "0: R1=ctx() R10=fp0",
      "0: (71) r0 = *(u8 *)(r1 +0)",
      "invalid bpf_context access off=0 size=1",
      "verification time 2496 usec",
      "stack depth max 24",
      "subprog 0 (wakeup) main insns_self 1 insns_total 3 stack 16",
      "subprog 1 (<unknown>) static insns_self 2 insns_total 2 stack 8",
      "processed 1 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0",
      "",
    ].join("\n"),
  );
  assert.equal(parsed.form, "trace");
  assert.equal(parsed.reason, "invalid bpf_context access off=0 size=1");
  assert.equal(parsed.slot, 0);
  assert.deepEqual(parsed.statistics?.stackDepths, [16, 8]);
});
