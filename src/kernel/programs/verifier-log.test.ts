import assert from "node:assert/strict";
import { test } from "node:test";
import { causeInWords } from "./verifier-causes.ts";
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

test("a report of Linux 7.3 gives problem, reason, place, causal path and suggestion", () => {
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
  assert.match(parsed.lastLine, /^Register Type Safety: Invalid dereference: R0 may be NULL .* on this path\.$/);
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
});
