import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Server, Socket } from "node:net";
import { test } from "node:test";
import { buildPacket, describePacket } from "../src/capture/packet.ts";
import { load } from "../src/index.ts";
import { setFeatures } from "../src/kernel/ethtool.ts";
import { getLink } from "../src/kernel/netlink/links.ts";
import { skipWithoutNetwork, testNetwork, type VirtualNetwork } from "../test/network/network.ts";
import { type BackendPath, poolOf } from "./balancer.host.ts";
import { everywhere, type Tried, tryOut } from "./testing.host.ts";

type Balancer = typeof import("./balancer.ts");
const source = new URL("./balancer.ts", import.meta.url);
const service = { address: "10.0.9.9", port: 80 };

const path = (last: number): BackendPath => ({
  address: `10.0.2.${last}`,
  mac: `02:00:00:00:02:${last.toString(16).padStart(2, "0")}`,
  ifindex: 7,
  source: "02:00:00:00:02:ff",
});
const four = [1, 2, 3, 4].map(path);
const frame = "eth 02:00:00:00:00:01 > 02:00:00:00:00:02";

/** Where each of many flows goes. */
function spread(balancer: Tried<Balancer>): string[] {
  return Array.from({ length: 400 }, (_, flow) => {
    const text = `${frame} / ip 10.0.1.${flow % 250} > 10.0.9.9 / tcp ${1024 + flow * 7} > 80 syn`;
    const result = balancer.run(buildPacket(text));
    assert.equal(result.verdict, "redirect", text);
    return result.packet.subarray(30, 34).join(".");
  });
}

for (const place of everywhere) {
  test(`rewrites addresses and keeps every checksum right (${place.name})`, { skip: place.skip }, async () => {
    using balancer = await tryOut<Balancer>(place, source, service);
    balancer.map("pool").set(0, poolOf([path(1)]));
    const there = `${frame} / ip 10.0.1.5 > 10.0.9.9 / tcp 5000 > 80 psh ack 17 seq 5 / payload "GET /\\r\\n"`;
    const forward = balancer.run(buildPacket(there));
    assert.equal(forward.verdict, "redirect");
    // A wrong checksum would be shown.
    assert.equal(
      describePacket(forward.packet, { full: true }),
      there.replace(frame, "eth 02:00:00:00:02:ff > 02:00:00:00:02:01").replace("10.0.9.9", "10.0.2.1"),
    );
    const back = `${frame} / ip 10.0.2.1 > 10.0.1.5 options 94040000 / tcp 80 > 5000 ack 1`;
    const reply = balancer.run(buildPacket(back));
    assert.equal(reply.verdict, "pass");
    assert.equal(describePacket(reply.packet, { full: true }), back.replace("10.0.2.1", "10.0.9.9"));
    assert.equal(balancer.map("pool").get(0)!.backends[0]!.packets, 1n);
  });

  test(`leaves alone what is not the service's (${place.name})`, { skip: place.skip }, async () => {
    using balancer = await tryOut<Balancer>(place, source, service);
    balancer.map("pool").set(0, poolOf(four));
    const others = [
      "ip 10.0.1.5 > 10.0.9.9 / tcp 5000 > 81 syn",
      "ip 10.0.1.5 > 10.0.9.8 / tcp 5000 > 80 syn",
      "ip 10.0.1.5 > 10.0.9.9 / udp 5000 > 80",
      "ip 10.0.1.5 > 10.0.9.9 mf proto 6 / payload 40",
      "ip 10.0.2.5 > 10.0.1.5 / tcp 80 > 5000 ack 1",
      "ip6 fd00::1 > fd00::2 / tcp 5000 > 80 syn",
    ];
    for (const text of others) {
      const packet = buildPacket(`${frame} / ${text}`);
      const result = balancer.run(packet);
      assert.equal(result.verdict, "pass", text);
      assert.deepEqual(Buffer.from(result.packet), Buffer.from(packet), text);
    }
    balancer.map("pool").set(0, poolOf([]));
    const refused = balancer.run(buildPacket(`${frame} / ip 10.0.1.5 > 10.0.9.9 / tcp 5000 > 80 syn`));
    assert.equal(refused.verdict, "drop", "there is no backend");
  });

  test(`spreads flows, and moves only those of a backend that goes (${place.name})`, { skip: place.skip }, async () => {
    using balancer = await tryOut<Balancer>(place, source, service);
    balancer.map("pool").set(0, poolOf(four));
    const before = spread(balancer);
    for (const { address } of four) {
      const share = before.filter((chosen) => chosen === address).length;
      assert.ok(share > 60 && share < 140, `${address} has ${share} of 400`);
    }
    assert.deepEqual(spread(balancer), before, "a flow stays");
    balancer.map("pool").set(0, poolOf([path(4), path(2), path(1)]));
    const after = spread(balancer);
    for (const [flow, chosen] of before.entries()) {
      if (chosen === "10.0.2.3") assert.notEqual(after[flow], chosen);
      else assert.equal(after[flow], chosen, "the order in the pool does not matter either");
    }
  });

  test(`keeps UDP without a checksum that way (${place.name})`, { skip: place.skip }, async () => {
    using balancer = await tryOut<Balancer>(place, source, { ...service, protocol: "udp" });
    balancer.map("pool").set(0, poolOf([path(1)]));
    for (const checksum of ["", " checksum 0x0000"]) {
      const text = `${frame} / ip 10.0.1.5 > 10.0.9.9 / udp 5 > 80${checksum} / payload "x"`;
      const { packet } = balancer.run(buildPacket(text));
      const expected = text.replace(frame, "eth 02:00:00:00:02:ff > 02:00:00:00:02:01").replace("10.0.9.9", "10.0.2.1");
      assert.equal(describePacket(packet, { full: true }), expected);
    }
  });
}

/** A client, the balancer's machine, and two backends; each wire is a network of its own. */
function balancedNetwork(): VirtualNetwork {
  const wire = (number: number, near: string, far: string) =>
    [
      { host: "balancer", device: near, addresses: [`10.0.${number}.1/24`] },
      { host: far, device: "eth0", addresses: [`10.0.${number}.2/24`] },
    ] as const;
  const throughBalancer = (number: number) => [{ destination: "default", nextHops: [{ gateway: `10.0.${number}.1` }] }];
  return testNetwork({
    wires: [wire(1, "wan", "client"), wire(2, "lan1", "one"), wire(3, "lan2", "two")],
    forwarding: ["balancer"],
    routes: { client: throughBalancer(1), one: throughBalancer(2), two: throughBalancer(3) },
  });
}

function pathTo(network: VirtualNetwork, device: string, wire: number): BackendPath {
  using netlink = network.host("balancer").netlink();
  const { index } = getLink(netlink, device);
  const mac = (end: number) => `02:00:00:00:0${wire}:0${end}`;
  return { address: `10.0.${wire}.2`, ifindex: index, source: mac(1), mac: mac(2) };
}

/** XDP sees frames as they are: no checksum may be left to the device, and the far end of a redirect must poll. */
function prepareForXdp(network: VirtualNetwork): void {
  for (const name of ["client", "one", "two"]) {
    const { namespace } = network.host(name);
    setFeatures("eth0", { txChecksum: false, genericReceive: true }, namespace);
  }
}

/** A server that says its name, and the digest of the bytes that come behind a length of four bytes. */
function serve(server: Server, name: string): void {
  server.on("connection", (socket: Socket) => {
    const chunks: Buffer[] = [];
    let received = 0;
    socket.on("error", () => {});
    socket.on("data", (data: Buffer) => {
      chunks.push(data);
      received += data.length;
      const [first = data] = chunks;
      if (received < first.readUInt32BE() + 4) return;
      socket.end(`${name} ${digest(Buffer.concat(chunks).subarray(4))}`);
    });
  });
}

function digest(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** Sends data to the service; gives what comes back. */
async function exchange(network: VirtualNetwork, data: Uint8Array): Promise<string> {
  const socket = await network.host("client").connect(service.address, service.port);
  let answer = "";
  socket.setTimeout(10_000, () => socket.destroy(new Error("the transfer stalled")));
  socket.on("data", (text) => {
    answer += text;
  });
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  socket.write(Buffer.concat([length, data]));
  await once(socket, "close");
  return answer;
}

for (const hook of ["tcx-ingress", "xdp"] as const) {
  test(`balances real connections, at ${hook}`, { skip: skipWithoutNetwork, timeout: 60_000 }, async () => {
    using network = balancedNetwork();
    if (hook === "xdp") prepareForXdp(network);
    using watcher = network.host("one").packets("eth0");
    const servers = await Promise.all([
      network.host("one").listen("10.0.2.2", 80),
      network.host("two").listen("10.0.3.2", 80),
    ]);
    try {
      serve(servers[0], "one");
      serve(servers[1], "two");
      using balancer = await load<Balancer>(source, { settings: service });
      const [one, two] = [pathTo(network, "lan1", 2), pathTo(network, "lan2", 3)];
      const { namespace } = network.host("balancer");
      for (const device of ["wan", "lan1", "lan2"]) balancer.attach(`${hook}:${device}`, { netns: namespace });

      balancer.maps.pool.set(0, poolOf([one]));
      const data = randomBytes(4 << 20);
      assert.equal(await exchange(network, data), `one ${digest(data)}`);
      const seen = watcher.drain();
      const large = seen.filter((packet) => packet.data.length > 1514 && packet.checksumPending);
      if (hook === "tcx-ingress") assert.ok(large.length > 0, "segments and checksums were left to the device");
      assert.ok(balancer.maps.pool.get(0)!.backends[0]!.packets > 10n);

      balancer.maps.pool.set(0, poolOf([one, two]));
      const names = new Set<string>();
      for (let count = 0; count < 20; count++) names.add((await exchange(network, Buffer.from("hello"))).slice(0, 3));
      assert.deepEqual([...names].sort(), ["one", "two"]);
      balancer.maps.pool.set(0, poolOf([two]));
      for (let count = 0; count < 5; count++) assert.match(await exchange(network, Buffer.from("x")), /^two /);
    } finally {
      for (const server of servers) server.close();
    }
  });
}
