import assert from "node:assert/strict";
import { test } from "node:test";
import { checkModule } from "../check/index.ts";
import { compileText, moduleText } from "./testing.ts";

/** What the flow checker finds in a module that the front end accepts. */
function findingsOf(source: string) {
  const { module, diagnostics } = compileText(source);
  assert.deepEqual(diagnostics, []);
  return checkModule(module!).findings;
}

function onlyFinding(source: string) {
  const findings = findingsOf(source);
  assert.equal(findings.length, 1, JSON.stringify(findings));
  return findings[0]!;
}

test("an IPv6 address that is read at a calculated index is to be compared as a whole", () => {
  const connect = (index: string): string => `import { Allow, Deny, equal, ipv6, onConnect6 } from "iovisor/kernel";
export const v6 = onConnect6((socket) => {
  const a = socket.address;
  for (let i = 0; i < 15; i++) if (a[${index}] !== 0) return Allow;
  return equal(a, ipv6("::1")) && a[15] === 1 ? Allow : Deny;
});`;
  const { code, remedy } = onlyFinding(connect("i"));
  assert.equal(code, "IOV4013");
  assert.match(remedy, /equal\(address, ipv6\("::1"\)\), or read its bytes at constant indexes/);
  assert.deepEqual(findingsOf(connect("3")), []);
});

test("loops that take too long name the limit", () => {
  const loops = (rounds: number): string =>
    moduleText(`let n: u32 = 0;
  for (let i = 0; i < ${rounds}; i++) for (let j = 0; j < ${rounds}; j++) for (let k = 0; k < ${rounds}; k++)
    n = u32(n + (packet.length & i & j & k));
  put(0, u64(n)); return Drop;`);
  const { code, message } = onlyFinding(loops(400));
  assert.equal(code, "IOV4007");
  assert.match(message, /one run may take about \d{9} steps, 134217728 are the most/);
  assert.deepEqual(findingsOf(loops(100)), []);
});

test("local values that are too large are named with their sizes and lines", () => {
  const source = moduleText(
    `const a = Big();
  const b = Big();
  const c = Small();
  if (packet.length > 60) { const d = Big(); d.list[1] = a.list[0]; put(0, d.list[1]); }
  c.word = 1; put(1, b.list[0]); return Drop;`,
    "const Big = struct({ list: array(u64, 30) }); const Small = struct({ word: u32 });",
  );
  const { code, message } = onlyFinding(source);
  assert.equal(code, "IOV4020");
  assert.match(message, /take about 728 bytes \(a 240 at line (\d+), b 240 at line \d+, d 240 at line \d+, c 8 at/);
});

test("a tag beside the packet that was tested before a change is to be tested again", () => {
  const body = (again: string): string =>
    moduleText(`if (packet.vlanTag === undefined) return Pass; if (!packet.popVlan()) return Pass;
  ${again} put(0, u64(packet.vlanTag)); return Drop;`);
  assert.equal(onlyFinding(body("")).code, "IOV4009");
  assert.deepEqual(findingsOf(body("if (packet.vlanTag !== undefined)")), []);
});

test("what is read anew is to be kept in a constant", () => {
  const tracer = (body: string): string => `import { arrayMap, onKernelTracepoint, u64 } from "iovisor/kernel";
export const pids = arrayMap({ value: u64, maxEntries: 1 });
export const woken = onKernelTracepoint("sched_wakeup", (task) => {
  const pid = pids.ref(0);
  if (!task || !pid) return;
  ${body}
});`;
  const finding = onlyFinding(tracer("if (task.real_parent) pid.value = u64(task.real_parent.pid);"));
  assert.equal(finding.code, "IOV4009");
  assert.match(finding.remedy, /keep it in a const/);
  const kept = "const parent = task.real_parent; if (parent) pid.value = u64(parent.pid);";
  assert.deepEqual(findingsOf(tracer(kept)), []);
  const aliased = "const tagged = packet.vlanTag !== undefined; if (tagged) put(0, u64(packet.vlanTag)); return Drop;";
  assert.match(onlyFinding(moduleText(aliased)).remedy, /keep it in a const/);
});
