import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { test } from "node:test";
import { skipWithoutNetwork, testNetwork, type VirtualHost } from "../../../test/network/network.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import { deviceOf, functionOf, instance, links, TestGraph } from "./testing.ts";

const wire = functionOf(
  "wire",
  `import { Drop, fixedPorts, forward, onPacket } from "iovisor/kernel";
import { Ethernet, Ipv4 } from "iovisor/kernel/headers";
export const ports = fixedPorts("left", "right");
export default onPacket((packet) => {
  const ip = packet.at(Ethernet.size, Ipv4);
  if (ip?.ttl === 0) return Drop;
  return forward(1 - packet.port);
});`,
);

const bytes = 8 << 20;

/** Segments with wrong checksums that a host's TCP, IP and UDP met. */
function checksumErrors(host: VirtualHost): number {
  const text = host.run(() => readFileSync("/proc/thread-self/net/snmp", "utf8"));
  const lines = text.split("\n").filter((line) => line.startsWith("Tcp:"));
  const [names = [], values = []] = lines.map((line) => line.split(" "));
  return Number(values[names.indexOf("InCsumErrors")]);
}

async function hashOf(socket: Socket): Promise<string> {
  const hash = createHash("sha256");
  for await (const part of socket) hash.update(part as Uint8Array);
  return hash.digest("hex");
}

for (const hook of ["tcx", "xdp"] satisfies PipelineHook[]) {
  test(`TCP passes a graph as it is, with its offloads (${hook})`, {
    skip: skipWithoutNetwork,
    timeout: 60_000,
  }, async () => {
    const end = (host: string, device: string, number: number) =>
      [
        { host, device: "eth0", addresses: [`192.0.2.${number}/24`] },
        { host: "m", device },
      ] as const;
    using net = testNetwork({ wires: [end("a", "lan1", 1), end("b", "lan2", 2)], resolveNeighbours: true });
    const [a, b] = [net.host("a"), net.host("b")];
    using graph = new TestGraph();
    await graph.applyModel({
      instances: [instance("w1", wire, ["left", "right"]), instance("w2", wire, ["left", "right"])],
      devices: ["lan1", "lan2"].map((name) => deviceOf(net.host("m"), name, hook)),
      links: links("dev:lan1 -> w1.left", "w1.right -> w2.left", "w2.right -> dev:lan2"),
    });
    const server = await b.listen("192.0.2.2");
    const accepted = once(server, "connection") as Promise<[Socket]>;
    const { port } = server.address() as { readonly port: number };
    const client = await a.connect("192.0.2.2", port);
    const [served] = await accepted;
    const data = randomBytes(bytes);
    const received = hashOf(served);
    client.end(data);
    assert.equal(await received, createHash("sha256").update(data).digest("hex"));
    served.destroy();
    client.destroy();
    server.close();
    assert.deepEqual([checksumErrors(a), checksumErrors(b)], [0, 0]);
  });
}
