import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { skipWithoutNetwork, testNetwork } from "../../../test/network/network.ts";
import { buildPacket } from "../../capture/packet.ts";
import { PacketSocket } from "../../kernel/packet-socket.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import { deviceOf, functionOf, instance, links, TestGraph } from "./testing.ts";

const options = { skip: skipWithoutNetwork, timeout: 60_000 };
const udp = 'ip 192.0.2.1 > 192.0.2.2 / udp 1 > 7 / payload "0123456789"';

for (const hook of ["tcx", "xdp"] satisfies PipelineHook[]) {
  test(`a host side is punted frames as they were on the wire, whatever their tags (${hook})`, options, async () => {
    const punted: string[] = [];
    const punter = functionOf(
      "punter",
      `import { fixedPorts, onPacket, punt, puntReasons } from "iovisor/kernel";
export const ports = fixedPorts("in");
export const causes = puntReasons({ all: "everything" });
export default onPacket(() => punt(causes.all));`,
      {
        start: () => ({
          punt: ({ packet, length }) => {
            assert.equal(length, packet.length);
            punted.push(Buffer.from(packet).toString("hex"));
          },
        }),
      },
    );
    using net = testNetwork({
      wires: [
        [
          { host: "a", device: "eth0" },
          { host: "m", device: "lan1" },
        ],
      ],
    });
    using graph = new TestGraph();
    await graph.applyModel({
      instances: [instance("p", punter, ["in"])],
      devices: [deviceOf(net.host("m"), "lan1", hook)],
      links: links("dev:lan1 -> p.in"),
    });
    using socket = new PacketSocket("eth0", net.host("a").namespace);
    const frames = [
      "",
      "vlan 10 priority 3 / ",
      "svlan 11 / ",
      "svlan 11 / vlan 10 / ",
      "vlan 1 / vlan 2 / svlan 3 / ",
    ];
    const sent = frames.map((tags) => buildPacket(`eth / ${tags}${udp}`));
    for (const frame of sent) assert.ok(socket.send(frame));
    for (let tries = 0; tries < 100 && punted.length < sent.length; tries++) await sleep(20);
    const wanted = new Set(sent.map((frame) => Buffer.from(frame).toString("hex")));
    assert.deepEqual(new Set(punted.filter((frame) => wanted.has(frame))), wanted);
  });
}
