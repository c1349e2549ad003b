import assert from "node:assert/strict";
import { test } from "node:test";
import { compileText } from "./testing.ts";

function diagnosticOf(statement: string) {
  const { diagnostics } = compileText(`
import { arrayMap, onPacket, Pass, u64, type u8 } from "iovisor/kernel";
export const counts = arrayMap({ value: u64, maxEntries: 1 });
export default onPacket((packet) => {
  const count = counts.ref(0);
  if (!count) return Pass;
  ${statement}
  return Pass;
});
`);
  assert.equal(diagnostics.length, 1, JSON.stringify(diagnostics));
  return diagnostics[0]!;
}

test("where one integer stands in the place of another, tsc's message says how to convert", () => {
  assert.match(diagnosticOf("counts.set(0, packet.length);").remedy ?? "", /u64\(x\)/);
  assert.match(diagnosticOf("counts.set(0, 5);").remedy ?? "", /5n/);
  assert.match(diagnosticOf("counts.set(count.value, 1n);").remedy ?? "", /u32\(x\) keeps the low bits/);
  assert.match(diagnosticOf("count.value += packet.length;").remedy ?? "", /u64\(x\)/);
});

test("how the brands of integers differ is left out", () => {
  const { message, remedy } = diagnosticOf("const small: u8 = packet.length;");
  assert.equal(message, "Type 'u32' is not assignable to type 'u8'.");
  assert.match(remedy ?? "", /u8\(x\)/);
});

test("the name of a tracepoint that is not there is answered with those that are", () => {
  const remedyOf = (text: string): string => {
    const { diagnostics } = compileText(`import { onKernelTracepoint, onTracepoint } from "iovisor/kernel";\n${text}`);
    assert.deepEqual(
      diagnostics.map(({ code }) => code),
      ["TS2345"],
    );
    return diagnostics[0]!.remedy ?? "";
  };
  const records = remedyOf('export const a = onTracepoint("block:block_rq_issue", () => {});');
  assert.match(records, /^there are sched:sched_switch, .*skb:kfree_skb; for other system calls take raw_syscalls:/);
  const objects = remedyOf('export const a = onKernelTracepoint("netif_rx", () => {});');
  assert.match(objects, /^there are sched_switch, .*kfree_skb$/);
});

test("other messages of tsc stay as they are", () => {
  const { code, remedy } = diagnosticOf('counts.set(0, "text");');
  assert.deepEqual([code, remedy], ["TS2345", undefined]);
});
