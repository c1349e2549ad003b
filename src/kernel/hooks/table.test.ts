import assert from "node:assert/strict";
import { test } from "node:test";
import { hookRow, hooks, parseAttachSpec } from "./table.ts";

test("what the command line says becomes a spec", () => {
  for (const [text, spec] of [
    ["xdp:eth0", { hook: "xdp", device: "eth0" }],
    ["tcx-ingress:veth1", { hook: "tcx-ingress", device: "veth1" }],
    ["cgroup-connect4:/sys/fs/cgroup/a:b", { hook: "cgroup-connect4", path: "/sys/fs/cgroup/a:b" }],
    ["tracepoint:sched/sched_switch", { hook: "tracepoint", category: "sched", name: "sched_switch" }],
    ["tracepoint:sched:sched_switch", { hook: "tracepoint", category: "sched", name: "sched_switch" }],
    ["tp_btf:sched_switch", { hook: "tp_btf", name: "sched_switch" }],
    ["netfilter:ipv6/forward/-5", { hook: "netfilter", family: "ipv6", point: "forward", priority: -5 }],
    ["sk-lookup", { hook: "sk-lookup" }],
  ] as const) {
    assert.deepEqual(parseAttachSpec(text), spec);
  }
});

test("what cannot be read is refused with an example", () => {
  for (const text of [
    "xdp",
    "xdp:",
    "tracepoint:sched_switch",
    "netfilter:ipv4/nowhere/0",
    "tcx-egress",
    "sk-lookup:x",
  ]) {
    assert.throws(() => parseAttachSpec(text), { code: "E_USAGE" }, text);
  }
  assert.throws(() => parseAttachSpec("xpd:eth0"), { code: "E_USAGE", message: /"xpd"/, remedy: /xdp/ });
});

test("names in the table are unique", () => {
  assert.equal(new Set(hooks.map(({ name }) => name)).size, hooks.length);
  assert.equal(hookRow("cgroup-connect4").programType, "cgroup_sock_addr");
});
