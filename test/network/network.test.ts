import assert from "node:assert/strict";
import { type EventEmitter, once } from "node:events";
import { test } from "node:test";
import { NetworkNamespace } from "../../src/kernel/namespaces.ts";
import { leakedDescriptors, openDescriptors } from "../../src/kernel/sys/descriptor.ts";
import { tcpFrame, udpFrame } from "./frames.ts";
import { skipWithoutNetwork as skip, testNetwork, testPair } from "./network.ts";

const options = { skip, timeout: 20_000 };

/** What an emitter says next. Bounded, so that a loss fails its own test alone and the network is taken down. */
function heard(emitter: EventEmitter, event: string): ReturnType<typeof once> {
  return once(emitter, event, { signal: AbortSignal.timeout(5000) });
}

test("raw frames cross a wire unchanged, and nothing else is on it", options, async () => {
  using net = testPair();
  using sender = net.host("a").packets("eth0");
  using receiver = net.host("b").packets("eth0");
  const frames = [udpFrame({ payload: "one" }), tcpFrame({ flags: 2 }), udpFrame({ payload: new Uint8Array(1400) })];
  for (const frame of frames) sender.send(frame);
  const seen = [await receiver.next(2000), await receiver.next(2000), await receiver.next(2000)];
  assert.deepEqual(
    seen.map((frame) => frame?.data),
    frames,
  );
  assert.equal(await receiver.next(50), undefined);
  assert.deepEqual(receiver.statistics(), { received: 3, lost: 0 });
});

test("a VLAN tag arrives beside the frame", options, async () => {
  using net = testPair();
  using sender = net.host("a").packets("eth0");
  using receiver = net.host("b").packets("eth0");
  sender.send(udpFrame({ vlans: [42], payload: "tagged" }));
  const frame = await receiver.next(2000);
  assert.deepEqual(frame?.vlan, { tci: 42, protocol: 0x8100 });
  assert.deepEqual(frame?.data, udpFrame({ payload: "tagged" }));
});

test("frames made by hand have checksums that the stack accepts", options, async () => {
  using net = testPair({ ipv6: true });
  using sender = net.host("a").packets("eth0");
  for (const [source, destination] of [
    ["192.0.2.1", "192.0.2.2"],
    ["2001:db8::1", "2001:db8::2"],
  ] as const) {
    await using socket = await net.host("b").udp(destination, 5353);
    const message = heard(socket, "message");
    assert.ok(sender.send(udpFrame({ source, destination, destinationPort: 5353, payload: "odd" })));
    const [data, from] = await message;
    assert.equal(String(data), "odd");
    assert.equal(from.address, source);
  }
});

test("UDP and TCP work between hosts, over a router as well", options, async () => {
  const before = openDescriptors();
  {
    using net = testNetwork({
      wires: [
        [
          { host: "client", device: "eth0", addresses: ["10.0.1.2/24"] },
          { host: "router", device: "left", addresses: ["10.0.1.1/24"] },
        ],
        [
          { host: "router", device: "right", addresses: ["10.0.2.1/24"] },
          { host: "server", device: "eth0", addresses: ["10.0.2.2/24"] },
        ],
      ],
      forwarding: ["router"],
      routes: {
        client: [{ destination: "default", nextHops: [{ gateway: "10.0.1.1" }] }],
        server: [{ destination: "default", nextHops: [{ gateway: "10.0.2.1" }] }],
      },
    });
    await using server = await net.host("server").listen("10.0.2.2", 8080);
    server.on("connection", (connection) => connection.end("hello"));
    const connection = await net.host("client").connect("10.0.2.2", 8080);
    const [text] = await heard(connection, "data");
    assert.equal(String(text), "hello");
    connection.destroy();
    await assert.rejects(net.host("client").connect("10.0.2.2", 81), { code: "ECONNREFUSED" });
    await assert.rejects(net.host("client").connect("10.0.1.77", 80, 100), { code: "E_SYSCALL", message: /no answer/ });
    await using receiver = await net.host("server").udp("10.0.2.2", 9);
    await using sender = await net.host("client").udp("10.0.1.2");
    const message = heard(receiver, "message");
    sender.send("x", 9, "10.0.2.2");
    assert.equal((await message)[1].address, "10.0.1.2");
    assert.match(net.host("client").exec("ip", ["-br", "addr"]), /eth0.*10\.0\.1\.2\/24/);
  }
  assert.deepEqual(leakedDescriptors(before), []);
});

test(
  "the end of a network kills its processes and removes its namespaces, also when making it fails",
  options,
  async () => {
    const net = testPair();
    const names = net.hosts.map(({ namespace }) => namespace.name!);
    const child = net.host("a").spawn("sleep", ["60"], { stdio: "ignore" });
    const exit = once(child, "exit");
    assert.throws(() => net.host("nobody"), { code: "E_USAGE" });
    net.close();
    assert.deepEqual(await exit, [null, "SIGKILL"]);
    for (const name of names) assert.ok(!NetworkNamespace.list().includes(name));
    const left = { host: "a", device: "eth0", addresses: ["192.0.2.1/24"] };
    assert.throws(() => testNetwork({ wires: [[left, { host: "b", device: "eth0", addresses: ["192.0.2/24"] }]] }));
    assert.ok(!NetworkNamespace.list().some((name) => name.startsWith(`iov${process.pid}x`)));
  },
);
