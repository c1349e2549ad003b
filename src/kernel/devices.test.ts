import assert from "node:assert/strict";
import { test } from "node:test";
import { skipWithoutNetwork as skip, testPair } from "../../test/network/network.ts";
import { createVethPair, findDevice, waitUntilUp } from "./devices.ts";
import { deleteLink } from "./netlink/change-link.ts";
import { createLink } from "./netlink/create-link.ts";
import { openPerfEvent, perfTypes, softwareEvents } from "./perf.ts";

test("a new veth pair is operational at once, although both namespaces count their devices alike", { skip }, () => {
  using net = testPair();
  const start = performance.now();
  createVethPair(
    { name: "x0", namespace: net.host("a").namespace, addresses: ["198.51.100.1/31"] },
    { name: "x1", namespace: net.host("b").namespace },
  );
  const took = performance.now() - start;
  assert.ok(took < 700, `took ${took.toFixed(0)} ms: the kernel's delay of a second was not avoided`);
  const [x0, x1] = [findDevice("x0", net.host("a").namespace), findDevice("x1", net.host("b").namespace)];
  assert.deepEqual([x0.operationalState, x1.operationalState], ["up", "up"]);
  assert.deepEqual([x0.peer, x1.peer], [x1.index, x0.index]);
});

test("waiting for a device that cannot come up ends with its state", { skip }, () => {
  using net = testPair();
  using netlink = net.host("a").netlink();
  createLink(netlink, { kind: "veth", name: "y0", peer: { name: "y1" } });
  const { namespace } = net.host("a");
  assert.throws(() => waitUntilUp("y0", namespace, 20), { code: "E_SYSCALL", message: /y0 .*20 ms .*switched off/ });
  deleteLink(netlink, "y0");
  assert.throws(() => waitUntilUp("y0", namespace, 20), { code: "E_NO_DEVICE" });
});

test("perf events open by process and by CPU, and unknown ones are refused", { skip }, () => {
  const { type, config } = { type: perfTypes.software, config: softwareEvents.cpuClock };
  using _sampled = openPerfEvent({ type, config, frequency: 99, pid: process.pid }, "cpu clock of this process");
  using _counted = openPerfEvent({ type, config: softwareEvents.contextSwitches, cpu: 0 }, "context switches of CPU 0");
  assert.throws(() => openPerfEvent({ type, config: 9999 }, "event 9999"), { code: "E_USAGE", message: /event 9999/ });
});
