import assert from "node:assert/strict";
import { test } from "node:test";
import { skipWithoutNetwork as skip, testPair } from "../../test/network/network.ts";
import { createVethPair, findDevice, waitUntilUp } from "./devices.ts";
import { deleteLink } from "./netlink/change-link.ts";
import { createLink } from "./netlink/create-link.ts";
import { LOCAL_TABLE, listRoutes } from "./netlink/routes.ts";
import { openPerfEvent, perfTypes, softwareEvents } from "./perf.ts";

test("a new veth pair is operational at once, although both namespaces count their devices alike", { skip }, () => {
  using net = testPair();
  const ends = (number: number) =>
    [
      { name: `x${number}`, namespace: net.host("a").namespace, addresses: ["198.51.100.1/31"] },
      { name: `y${number}`, namespace: net.host("b").namespace },
    ] as const;
  const times = [0, 1, 2].map((number) => {
    const start = performance.now();
    createVethPair(...ends(number));
    return performance.now() - start;
  });
  assert.ok(Math.min(...times) < 700, `took ${times} ms: the kernel's delay of a second was not avoided`);
  const [x0, y0] = [findDevice("x0", net.host("a").namespace), findDevice("y0", net.host("b").namespace)];
  assert.deepEqual([x0.operationalState, y0.operationalState], ["up", "up"]);
  assert.deepEqual([x0.peer, y0.peer], [y0.index, x0.index]);
});

test("a new veth pair takes packets to its IPv6 addresses at once", { skip }, () => {
  for (let round = 0; round < 50; round++) {
    using net = testPair({ ipv6: true });
    using netlink = net.host("b").netlink();
    const local = listRoutes(netlink, { table: LOCAL_TABLE }).filter(({ type }) => type === "local");
    assert.ok(local.some(({ destination }) => destination === "2001:db8::2/128"));
  }
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
