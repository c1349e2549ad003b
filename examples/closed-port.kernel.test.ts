import assert from "node:assert/strict";
import { test } from "node:test";
import { buildPacket } from "../src/capture/packet.ts";
import { load } from "../src/index.ts";
import { skipWithoutNetwork, testPair } from "../test/network/network.ts";
import { everywhere, tryOut } from "./testing.host.ts";

type ClosedPort = typeof import("./closed-port.ts");
const source = new URL("./closed-port.ts", import.meta.url);

for (const place of everywhere) {
  test(`drops TCP to the closed port, and nothing else (${place.name})`, { skip: place.skip }, async () => {
    using port = await tryOut<ClosedPort>(place, source, { closedPort: 9999 });
    const cases = [
      ["drop", "eth / ip 10.0.0.1 > 10.0.0.2 / tcp 1 > 9999 syn"],
      ["drop", "eth / ip 10.0.0.3 > 10.0.0.2 options 94040000 / tcp 1 > 9999 syn"],
      ["pass", "eth / ip 10.0.0.1 > 10.0.0.2 / tcp 1 > 9998 syn"],
      ["pass", "eth / ip 10.0.0.1 > 10.0.0.2 / tcp 9999 > 1 syn"],
      ["pass", "eth / ip 10.0.0.1 > 10.0.0.2 / udp 1 > 9999"],
      ["pass", "eth / ip6 fd00::1 > fd00::2 / tcp 1 > 9999 syn"],
      ["pass", "eth / arp who-has 10.0.0.2 tell 10.0.0.1"],
      ["pass", "eth / ip proto 6 / payload hex 0001"],
    ] as const;
    for (const [verdict, text] of cases) assert.equal(port.run(buildPacket(text)).verdict, verdict, text);
    const usage = new Map(port.map("usage").entries());
    assert.deepEqual(usage.get(0x0a00_0001), { packets: 1n, bytes: 54n });
    assert.deepEqual(usage.get(0x0a00_0003), { packets: 1n, bytes: 58n });
    assert.equal(usage.size, 2);
  });
}

test("does not count when it is told not to", async () => {
  using port = await tryOut<ClosedPort>(everywhere[0]!, source, { perSource: false, closedPort: 80 });
  assert.equal(port.run(buildPacket("eth / ip / tcp 1 > 80 syn")).verdict, "drop");
  assert.deepEqual(port.map("usage").entries(), []);
});

for (const hook of ["xdp", "tcx-ingress"] as const) {
  test(`closes the port of a host, at ${hook}`, { skip: skipWithoutNetwork, timeout: 20_000 }, async () => {
    using network = testPair();
    const [client, server] = [network.host("a"), network.host("b")];
    const closed = await server.listen("192.0.2.2", 9999);
    const open = await server.listen("192.0.2.2", 9998);
    try {
      (await client.connect("192.0.2.2", 9999)).destroy();
      using port = await load<ClosedPort>(source, { settings: { closedPort: 9999 } });
      using attachment = port.attach(`${hook}:eth0`, { netns: server.namespace });
      await assert.rejects(client.connect("192.0.2.2", 9999, 300), { message: /no answer/ });
      (await client.connect("192.0.2.2", 9998)).destroy();
      const [usage, ...others] = port.maps.usage;
      assert.deepEqual(others, []);
      assert.equal(usage?.[0], 0xc000_0201);
      assert.ok(usage[1].packets >= 1n);
      attachment.detach();
      (await client.connect("192.0.2.2", 9999)).destroy();
    } finally {
      closed.close();
      open.close();
    }
  });
}
