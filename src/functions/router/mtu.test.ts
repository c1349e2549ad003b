/** The router keeps senders to the MTU of what is behind its ports, as it is at the moment. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { skipWithoutNetwork, testNetwork, type VirtualHost } from "../../../test/network/network.ts";
import { FunctionCatalogue } from "../../engine/catalogue/functions.ts";
import { parseGraph } from "../../engine/graph/parse.ts";
import type { PipelineHook } from "../../engine/pipeline/topology.ts";
import { MemoryStore } from "../../engine/store/memory.ts";
import { DeviceWatcher } from "../../engine/visor/device-watcher.ts";
import { Visor } from "../../engine/visor/visor.ts";
import { changeLink } from "../../kernel/netlink/change-link.ts";
import { builtInFunctions } from "../table.ts";

async function ping(host: VirtualHost, size: number): Promise<string> {
  const args = ["-n", "-c", "2", "-i", "0.2", "-W", "1", "-M", "do", "-s", String(size), "10.0.2.2"];
  const child = host.spawn("ping", args, { stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream!.on("data", (data) => (text += data));
  await new Promise((resolve) => child.once("close", resolve));
  return text;
}

let count = 0;

for (const hook of ["tcx", "xdp"] satisfies PipelineHook[]) {
  const options = { skip: skipWithoutNetwork, timeout: 60_000 };

  test(`a device behind a switch changes its MTU, and senders are told of it (${hook})`, options, async () => {
    using net = testNetwork({
      wires: [
        [
          { host: "a", device: "eth0", addresses: ["10.0.1.2/24"] },
          { host: "middle", device: "lan1" },
        ],
        ...["b", "c"].map((host, index) => {
          const end = { host, device: "eth0", addresses: [`10.0.2.${index + 2}/24`] };
          return [end, { host: "middle", device: `lan${index + 2}` }] as const;
        }),
      ],
      routes: {
        a: [{ destination: "10.0.2.0/24", nextHops: [{ gateway: "10.0.1.1" }] }],
        b: [{ destination: "10.0.1.0/24", nextHops: [{ gateway: "10.0.2.1" }] }],
      },
      resolveNeighbours: true,
    });
    const middle = net.host("middle");
    const netns = middle.namespace.name!;
    const devices = Object.fromEntries(["lan1", "lan2", "lan3"].map((name) => [name, { name, netns, hook }]));
    await using visor = await Visor.open({
      name: `iovtest${process.pid}m${count++}`,
      store: new MemoryStore(),
      functions: new FunctionCatalogue(builtInFunctions),
      base: ".",
    });
    try {
      const warnings: string[] = [];
      const { warnings: first } = await visor.apply(
        await parseGraph({
          functions: {
            r1: {
              kind: "router",
              ports: { left: { addresses: ["10.0.1.1/24"] }, right: { addresses: ["10.0.2.1/24"] } },
            },
            sw1: { kind: "switch", ports: { up: {}, b: {}, c: {} } },
          },
          devices,
          links: ["dev:lan1 -> r1.left", "r1.right -> sw1.up", "sw1.b -> dev:lan2", "sw1.c -> dev:lan3"],
        }),
      );
      assert.deepEqual(
        first.filter((one) => one.includes("MTU")),
        [],
      );
      using _watcher = new DeviceWatcher(visor, { refreshed: (report) => warnings.push(...report.warnings) });
      using netlink = middle.netlink();
      const change = async (mtu: number): Promise<void> => {
        const { generation } = visor.running.record;
        changeLink(netlink, "lan2", { mtu });
        for (let tries = 0; tries < 200 && visor.running.record.generation === generation; tries++) await sleep(20);
        net.host("a").exec("ip", ["route", "flush", "cache"]);
      };
      assert.match(await ping(net.host("a"), 1450), / 2 received/);
      await change(1400);
      assert.match(await ping(net.host("a"), 1450), /From 10\.0\.1\.1 .*mtu = 1400/);
      assert.match(await ping(net.host("a"), 1370), / 2 received/);
      const [told] = warnings.filter((one) => one.includes("MTU"));
      assert.match(
        told ?? "",
        /^sw1 joins devices of different MTUs \(lan3 1500, lan2 1400\): larger packets than 1400/,
      );
      await change(1500);
      assert.match(await ping(net.host("a"), 1450), / 2 received/);
    } finally {
      await visor.teardown();
    }
  });
}
