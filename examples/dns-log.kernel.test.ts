import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { buildPacket } from "../src/capture/packet.ts";
import { load } from "../src/index.ts";
import { skipWithoutNetwork, testPair } from "../test/network/network.ts";
import { everywhere, tryOut } from "./testing.host.ts";

type DnsLog = typeof import("./dns-log.ts");
const source = new URL("./dns-log.ts", import.meta.url);

interface Query {
  readonly source: Uint8Array;
  readonly family: number;
  readonly truncated: boolean;
  readonly type: number;
  readonly length: number;
  readonly name: Uint8Array;
}

function describe(query: Query): string {
  const name = Buffer.from(query.name.subarray(0, query.length)).toString();
  return `${query.family} ${name}${query.truncated ? "..." : ""} ${query.type}`;
}

const label = "a".repeat(63);

for (const place of everywhere) {
  test(`reads names out of queries (${place.name})`, { skip: place.skip }, async () => {
    using log = await tryOut<DnsLog>(place, source);
    const packets = [
      "eth / ip 192.0.2.7 > 192.0.2.53 / udp 40000 > 53 / dns example.org",
      "eth / ip options 94040000 / udp 40000 > 53 / dns www.example.org type AAAA",
      "eth / ip6 2001:db8::7 > 2001:db8::53 / udp 40000 > 53 / dns a.b.c.d type TXT",
      `eth / ip / udp 40000 > 53 / dns ${label}.${label}`,
      `eth / ip / udp 40000 > 53 / dns ${label}.${label}.${label}`,
      // No queries: another port, a response, TCP, the root, a fragment, cut short, a pointer for a name.
      "eth / ip / udp 40000 > 54 / dns example.org",
      "eth / ip / udp 40000 > 53 / dns example.org flags 0x8180",
      "eth / ip / tcp 40000 > 53 psh ack / payload 40",
      "eth / ip frag 1480 proto 17 / payload 60",
      "eth / ip / udp 40000 > 53 / payload hex 0001010000010000000000000765",
      "eth / ip / udp 40000 > 53 / payload hex 000101000001000000000000c00c00010001",
    ];
    for (const text of packets) assert.equal(log.run(buildPacket(text)).verdict, "pass", text);
    const queries = log.events("queries");
    assert.deepEqual(queries.map(describe), [
      "4 example.org 1",
      "4 www.example.org 28",
      "6 a.b.c.d 16",
      `4 ${label}.${label} 1`,
      `4 ${label}.${label}.... 0`,
    ]);
    assert.deepEqual([...queries[0]!.source.subarray(0, 4)], [192, 0, 2, 7]);
    assert.equal(Buffer.from(queries[2]!.source).toString("hex"), "20010db8000000000000000000000007");
    assert.equal(log.map("lost").get(0), 0n);
  });

  test(`counts what finds no room in the ring (${place.name})`, { skip: place.skip }, async () => {
    using log = await tryOut<DnsLog>(place, source);
    const packet = buildPacket("eth / ip / udp 40000 > 53 / dns example.org");
    const sent = 2000;
    for (let count = 0; count < sent; count++) log.run(packet);
    const received = log.events("queries").length;
    assert.ok(received > 1000 && received < sent, `${received} received`);
    assert.equal(BigInt(received) + log.map("lost").get(0)!, BigInt(sent));
  });
}

test("logs what a real resolver asks", { skip: skipWithoutNetwork, timeout: 20_000 }, async () => {
  using network = testPair();
  const [client, server] = [network.host("a"), network.host("b")];
  const socket = await server.udp("192.0.2.2", 5353);
  try {
    using log = await load<DnsLog>(source, { settings: { port: 5353 } });
    log.attach("tcx-ingress:eth0", { netns: server.namespace });
    const ask = `
      const resolver = new (require("dns").promises.Resolver)({ timeout: 100, tries: 1 });
      resolver.setServers(["192.0.2.2:5353"]);
      resolver.resolve6("iovisor.example").catch(() => {});`;
    client.exec(process.execPath, ["-e", ask]);
    await sleep(50);
    const queries = log.maps.queries.stream();
    const { value } = await queries.next();
    assert.equal(describe(value!), "4 iovisor.example 28");
    assert.deepEqual([...value!.source.subarray(0, 4)], [192, 0, 2, 1]);
  } finally {
    socket.close();
  }
});
