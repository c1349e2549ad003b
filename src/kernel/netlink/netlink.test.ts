import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { NotSupported } from "../../errors.ts";
import { NetworkNamespace } from "../namespaces.ts";
import { leakedDescriptors, openDescriptors } from "../sys/descriptor.ts";
import { addAddress, deleteAddress, listAddresses } from "./addresses.ts";
import { changeLink, deleteLink } from "./change-link.ts";
import { NETLINK_ROUTE } from "./constants.ts";
import { createLink } from "./create-link.ts";
import { NetlinkError } from "./error.ts";
import { findLink, getLink, listLinks } from "./links.ts";
import { NetworkMonitor } from "./monitor.ts";
import { deleteNeighbour, listNeighbours, setNeighbour } from "./neighbours.ts";
import { addRoute, deleteRoute, listRoutes, setRoute } from "./routes.ts";
import { addRule, deleteRule, listRules } from "./rules.ts";
import { NetlinkSocket } from "./socket.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";

/** iproute2's view, as an independent witness. */
function ip(namespace: NetworkNamespace, ...args: string[]) {
  const text = namespace.run(() => execFileSync("ip", ["-j", "-d", ...args], { encoding: "utf8" }));
  return JSON.parse(text || "[]");
}

/** Runs a test in two fresh namespaces and checks that no descriptor stays open. */
function inNamespaces(body: (a: NetworkNamespace, b: NetworkNamespace, socket: NetlinkSocket) => void): void {
  const before = openDescriptors();
  {
    using a = NetworkNamespace.createUnnamed();
    using b = NetworkNamespace.createUnnamed();
    using socket = new NetlinkSocket(NETLINK_ROUTE, a);
    body(a, b, socket);
  }
  assert.deepEqual(leakedDescriptors(before), []);
}

test("a veth pair across two namespaces is what `ip` sees", { skip }, () => {
  inNamespaces((a, b, socket) => {
    const link = createLink(socket, {
      kind: "veth",
      name: "left",
      mtu: 1400,
      address: "02:00:00:00:00:01",
      rxQueues: 2,
      peer: { name: "right", namespace: b, address: "02:00:00:00:00:02", txQueues: 2, rxQueues: 1 },
    });
    assert.equal(link?.kind, "veth");
    assert.equal(link?.peerElsewhere, true);
    assert.equal(link?.rxQueues, 2);
    assert.equal(link?.up, false);
    assert.equal(link?.xdp.mode, "none");
    const [left] = ip(a, "link", "show", "left");
    assert.equal(left.mtu, 1400);
    assert.equal(left.address, "02:00:00:00:00:01");
    assert.equal(left.num_rx_queues, 2);
    const [right] = ip(b, "link", "show", "right");
    assert.equal(right.num_tx_queues, 2);
    assert.equal(right.ifindex, link?.peer);

    using other = new NetlinkSocket(NETLINK_ROUTE, b);
    changeLink(socket, "left", { up: true });
    changeLink(other, "right", { up: true });
    assert.equal(getLink(socket, "left").carrier, true);
    changeLink(socket, "left", { up: false });
    changeLink(socket, "left", { name: "uplink", mtu: 1300, promiscuous: true, up: true });
    assert.deepEqual(
      listLinks(socket).map(({ name, mtu }) => [name, mtu]),
      [
        ["lo", 65536],
        ["uplink", 1300],
      ],
    );
    assert.ok(ip(a, "link", "show", "uplink")[0].flags.includes("PROMISC"));
    changeLink(socket, "uplink", { namespace: b });
    assert.equal(findLink(socket, "uplink"), undefined);
    deleteLink(other, "uplink");
    assert.equal(findLink(other, "right"), undefined);
  });
});

test("a device that is up is renamed, or the error says that this kernel wants it down", { skip }, () => {
  inNamespaces((_a, _b, socket) => {
    createLink(socket, { kind: "bridge", name: "br0" });
    changeLink(socket, "br0", { up: true });
    try {
      changeLink(socket, "br0", { name: "br1" });
    } catch (error) {
      assert.ok(error instanceof NetlinkError && error.code === "E_BUSY", String(error));
      assert.match(error.remedy ?? "", /Linux 6\.2 on: put it down first/);
      changeLink(socket, "br0", { up: false });
      changeLink(socket, "br0", { name: "br1" });
    }
    assert.equal(findLink(socket, "br0"), undefined);
    assert.equal(getLink(socket, "br1").name, "br1");
    createLink(socket, { kind: "bridge", name: "br2" });
    assert.throws(() => changeLink(socket, "br2", { name: "br1" }), { code: "E_BUSY", remedy: /choose another name/ });
  });
});

test("bridges take and release ports; macvlan, vxlan and ifb are made with their settings", { skip }, () => {
  inNamespaces((a, _b, socket) => {
    createLink(socket, { kind: "veth", name: "p0", peer: { name: "p1" } });
    const bridge = createLink(socket, {
      kind: "bridge",
      name: "br0",
      ageing: 30,
      stp: false,
      multicastSnooping: false,
    });
    changeLink(socket, "p0", { master: "br0" });
    assert.equal(getLink(socket, "p0").master, bridge?.index);
    changeLink(socket, "p0", { master: null });
    assert.equal(getLink(socket, "p0").master, undefined);
    const [seen] = ip(a, "link", "show", "br0");
    assert.equal(seen.linkinfo.info_data.ageing_time, 3000);
    assert.equal(seen.linkinfo.info_data.mcast_snooping, 0);

    createLink(socket, { kind: "macvlan", name: "mv0", lower: "p0", mode: "private" });
    assert.equal(ip(a, "link", "show", "mv0")[0].linkinfo.info_data.mode, "private");
    createLink(socket, {
      kind: "vxlan",
      name: "vx0",
      id: 77,
      local: "192.0.2.1",
      remote: "192.0.2.2",
      learning: false,
    });
    const [vxlan] = ip(a, "link", "show", "vx0");
    assert.deepEqual(
      [vxlan.linkinfo.info_data.id, vxlan.linkinfo.info_data.port, vxlan.linkinfo.info_data.remote],
      [77, 4789, "192.0.2.2"],
    );
    assert.equal(createLink(socket, { kind: "ifb", name: "ifbx" })?.kind, "ifb");
  });
});

test("addresses, neighbours and routes are what `ip` sees", { skip }, () => {
  inNamespaces((a, _b, socket) => {
    createLink(socket, { kind: "veth", name: "v0", peer: { name: "v1" } });
    changeLink(socket, "v0", { up: true });
    changeLink(socket, "v1", { up: true });
    addAddress(socket, "v0", "192.0.2.1/25");
    addAddress(socket, "v0", "2001:db8::1/64");
    const global = listAddresses(socket, "v0").filter(({ scope }) => scope === "global");
    assert.deepEqual(
      global.map(({ address, prefixLength, tentative }) => [address, prefixLength, tentative]),
      [
        ["192.0.2.1", 25, false],
        ["2001:db8::1", 64, false],
      ],
    );
    const [shown] = ip(a, "addr", "show", "v0");
    assert.equal(shown.addr_info[0].broadcast, "192.0.2.127");
    assert.throws(() => addAddress(socket, "v0", "192.0.2.1/25"), { code: "E_BUSY" });
    assert.throws(() => addAddress(socket, "v0", "192.0.2.1"), { code: "E_USAGE" });

    setNeighbour(socket, "v0", "192.0.2.2", "02:00:00:00:00:02");
    setNeighbour(socket, "v0", "192.0.2.2", "02:00:00:00:00:03");
    const neighbour = listNeighbours(socket, "v0").find(({ address }) => address === "192.0.2.2");
    assert.deepEqual([neighbour?.mac, neighbour?.state], ["02:00:00:00:00:03", "permanent"]);
    deleteNeighbour(socket, "v0", "192.0.2.2");
    assert.ok(
      !listNeighbours(socket, "v0").some(({ address, state }) => address === "192.0.2.2" && state === "permanent"),
    );

    setRoute(socket, { destination: "198.51.100.0/24", nextHops: [{ gateway: "192.0.2.2" }], priority: 7 });
    addRoute(socket, {
      destination: "203.0.113.0/24",
      nextHops: [
        { gateway: "192.0.2.2", weight: 3 },
        { gateway: "10.9.9.9", link: "v0", onlink: true },
      ],
    });
    addRoute(socket, { destination: "default", nextHops: [{ gateway: "10.8.8.8", link: "v0", onlink: true }] });
    addRoute(socket, { destination: "2001:db8:1::/48", nextHops: [{ gateway: "2001:db8::2" }] });
    addRoute(socket, { destination: "10.1.0.0/16", nextHops: [{ gateway: "2001:db8::9", link: "v0" }], table: 1000 });
    addRoute(socket, { destination: "10.2.0.0/16", type: "blackhole" });
    assert.throws(() => addRoute(socket, { destination: "10.2.0.0/16", type: "blackhole" }), { code: "E_BUSY" });
    const routes = new Map(listRoutes(socket, { table: "all" }).map((route) => [route.destination, route]));
    assert.deepEqual(
      routes.get("203.0.113.0/24")?.nextHops.map(({ gateway, weight, onlink }) => [gateway, weight, onlink]),
      [
        ["192.0.2.2", 3, false],
        ["10.9.9.9", 1, true],
      ],
    );
    assert.equal(routes.get("198.51.100.0/24")?.priority, 7);
    assert.equal(routes.get("0.0.0.0/0")?.nextHops[0]?.onlink, true);
    assert.equal(routes.get("2001:db8:1::/48")?.nextHops[0]?.gateway, "2001:db8::2");
    assert.deepEqual(
      [routes.get("10.1.0.0/16")?.table, routes.get("10.1.0.0/16")?.nextHops[0]?.gateway],
      [1000, "2001:db8::9"],
    );
    assert.equal(routes.get("10.2.0.0/16")?.type, "blackhole");
    const seen = ip(a, "route", "show").map((route: { dst: string }) => route.dst);
    assert.deepEqual(seen.sort(), ["10.2.0.0/16", "192.0.2.0/25", "198.51.100.0/24", "203.0.113.0/24", "default"]);
    deleteRoute(socket, { destination: "10.2.0.0/16", type: "blackhole" });
    deleteRoute(socket, { destination: "203.0.113.0/24" });
    assert.equal(ip(a, "route", "show").length, 3);
    deleteAddress(socket, "v0", "192.0.2.1/25");
    assert.equal(listAddresses(socket, "v0").filter(({ address }) => address.includes(".")).length, 0);
  });
});

test("routing rules are added, listed and removed", { skip }, () => {
  inNamespaces((a, _b, socket) => {
    const rule = { family: "ipv4", priority: 100, from: "192.0.2.0/24", mark: 5, table: 1000 } as const;
    addRule(socket, rule);
    assert.throws(() => addRule(socket, rule), { code: "E_BUSY" });
    const listed = listRules(socket).find(({ priority }) => priority === 100);
    assert.deepEqual(listed, { ...rule, markMask: 0xffffffff });
    const seen = ip(a, "rule", "show").find((entry: { priority: number }) => entry.priority === 100);
    assert.deepEqual([seen.src, seen.srclen, seen.fwmark, seen.table], ["192.0.2.0", 24, "0x5", "1000"]);
    deleteRule(socket, rule);
    assert.ok(!listRules(socket).some(({ priority }) => priority === 100));
  });
});

test("refusals carry the kernel's own words and a code", { skip }, () => {
  inNamespaces((_a, _b, socket) => {
    assert.throws(() => getLink(socket, "nope"), { code: "E_NO_DEVICE", message: /"nope"/, remedy: /lo/ });
    assert.throws(() => getLink(socket, 4711), { code: "E_NO_DEVICE", message: /4711/ });
    assert.throws(() => deleteLink(socket, "nope"), { code: "E_NO_DEVICE" });

    assert.throws(() => getLink(socket, "a name that is too long"), { code: "E_USAGE" });
    createLink(socket, { kind: "bridge", name: "br0" });
    assert.throws(() => createLink(socket, { kind: "bridge", name: "br0" }), { code: "E_BUSY" });
    assert.throws(() => changeLink(socket, "br0", { mtu: 3 }), { message: /mtu.*EINVAL/ });
    createLink(socket, { kind: "bridge", name: "br1" });
    assert.throws(() => changeLink(socket, "br1", { master: "br0" }), {
      errno: 40,
      message: /changing br1 failed: .*bridge.*ELOOP/i,
    });
    assert.throws(
      () => setRoute(socket, { destination: "10.0.0.0/8", nextHops: [{ gateway: "192.0.2.9" }] }),
      /Nexthop has invalid gateway: ENETUNREACH/,
    );
  });
});

test("a kind of device that the kernel lacks is NotSupported, by name", { skip }, () => {
  inNamespaces((a, _b, socket) => {
    try {
      createLink(socket, { kind: "dummy", name: "d0" });
      assert.equal(ip(a, "link", "show", "d0")[0].linkinfo.info_kind, "dummy");
    } catch (error) {
      assert.ok(error instanceof NotSupported);
      assert.equal(error.feature, "dummy devices");
      assert.match(error.remedy, /modprobe dummy/);
    }
  });
});

test("the monitor reports what happened, in order, and ends at close", { skip, timeout: 10_000 }, async () => {
  using namespace = NetworkNamespace.createUnnamed();
  using socket = new NetlinkSocket(NETLINK_ROUTE, namespace);
  using monitor = new NetworkMonitor({ namespace });
  createLink(socket, { kind: "veth", name: "v0", peer: { name: "v1" } });
  changeLink(socket, "v0", { up: true });
  changeLink(socket, "v1", { up: true });
  addAddress(socket, "v0", "192.0.2.1/24");
  setNeighbour(socket, "v0", "192.0.2.2", "02:00:00:00:00:02");
  deleteLink(socket, "v0");
  const seen: string[] = [];
  for await (const event of monitor) {
    if (event.kind === "link") seen.push(`${event.change} ${event.link.name}`);
    if (event.kind === "address" && event.address.address === "192.0.2.1") seen.push(`${event.change} address`);
    if (event.kind === "neighbour" && event.neighbour.address === "192.0.2.2") seen.push(`${event.change} neighbour`);
    if (event.kind === "route" && event.route.destination === "192.0.2.0/24") seen.push(`${event.change} route`);
    if (seen.includes("removed v0") && seen.includes("removed v1")) monitor.close();
  }
  for (const expected of ["set v0", "set v1", "set address", "set neighbour", "set route", "removed address"]) {
    assert.ok(seen.includes(expected), `${expected} in ${seen.join(", ")}`);
  }
  assert.ok(seen.indexOf("set address") < seen.indexOf("removed v0"));
});
