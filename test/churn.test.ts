/** Nobody looks after a graph at work, and strangers fill its tables: these stay bounded, and packets flow on. */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { FunctionCatalogue } from "../src/engine/catalogue/functions.ts";
import { parseGraph } from "../src/engine/graph/parse.ts";
import { builtInFunctions } from "../src/functions/table.ts";
import { KernelMap } from "../src/kernel/maps.ts";
import { ipToBytes, macToBytes } from "../src/kernel/netlink/ip.ts";
import type { PacketSocket } from "../src/kernel/packet-socket.ts";
import { udpFrame } from "./network/frames.ts";
import { skipWithoutNetwork } from "./network/network.ts";
import { VisorBench } from "./network/visor-bench.ts";

const strangers = 40_000;
const [macA, macB] = ["02:00:00:00:00:0a", "02:00:00:00:00:0b"];

function arpRequest(mac: string, source: string, target: string): Uint8Array {
  const [hardware, own, wanted] = [macToBytes(mac), ipToBytes(source), ipToBytes(target)];
  const header = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, ...hardware, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1];
  return Uint8Array.of(...header, ...hardware, ...own, 0, 0, 0, 0, 0, 0, ...wanted, ...new Uint8Array(18));
}

/** The address of the router's port, as it answers. */
async function ask(socket: PacketSocket, mac: string, source: string, target: string): Promise<string> {
  socket.drain();
  socket.send(arpRequest(mac, source, target));
  for (;;) {
    const frame = await socket.next(2000);
    assert.ok(frame, `${target} does not answer`);
    if (frame.data[12] === 8 && frame.data[13] === 6 && frame.data[21] === 2) {
      return [...frame.data.subarray(6, 12)].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
    }
  }
}

/** Entries of a pinned map of an instance, and how many it has room for. */
function fillOf(name: string, instance: string, map: string): { readonly used: number; readonly room: number } {
  const folder = `/sys/fs/bpf/iovisor/${name}/maps/${instance}`;
  const pin = readdirSync(folder).find((one) => new RegExp(`^${map}_\\d+$`).test(one));
  using found = KernelMap.fromPin(`${folder}/${pin}`);
  return { used: [...found.keys()].length, room: found.maxEntries };
}

const randomMac = (): string =>
  `06:${Array.from({ length: 5 }, () => randomInt(256).toString(16).padStart(2, "0")).join(":")}`;
const randomAddress = (): string => `10.${randomInt(256)}.${randomInt(256)}.${1 + randomInt(254)}`;

test("with nobody at work tables stay bounded under strangers, and known stations are reached", {
  skip: skipWithoutNetwork,
  timeout: 60_000,
}, async (t) => {
  using bench = new VisorBench();
  const options = { functions: new FunctionCatalogue(builtInFunctions) };
  using a = bench.net.host("a").packets("eth0");
  using b = bench.net.host("b").packets("eth0");
  let router = "";
  const passes = async (): Promise<boolean> => {
    b.drain();
    const ends = { source: "10.0.0.2", destination: "172.16.0.2", sourceMac: macA, destinationMac: router };
    a.send(udpFrame({ ...ends, destinationPort: 4242 }));
    for (let frame = await b.next(1000); frame; frame = await b.next(1000)) {
      if (frame.data[12] === 8 && frame.data[13] === 0 && frame.data[36] === 4242 >> 8) return true;
    }
    return false;
  };
  await bench.with(async (visor) => {
    const { netns } = bench;
    await visor.apply(
      await parseGraph({
        functions: {
          sw: { kind: "switch", ports: { a: {}, up: {} } },
          r: { kind: "router", ports: { lan: { addresses: ["10.0.0.1/8"] }, wan: { addresses: ["172.16.0.1/24"] } } },
        },
        devices: { lan1: { name: "lan1", netns }, lan2: { name: "lan2", netns } },
        links: ["dev:lan1 -> sw.a", "sw.up -> r.lan", "r.wan -> dev:lan2"],
      }),
    );
    await ask(b, macB, "172.16.0.2", "172.16.0.1");
    router = await ask(a, macA, "10.0.0.2", "10.0.0.1");
    assert.equal(await passes(), true);
  }, options);
  for (let number = 0; number < strangers; number++) {
    const mac = randomMac();
    a.send(
      number % 2 === 0
        ? arpRequest(mac, randomAddress(), "10.0.0.1")
        : udpFrame({ source: randomAddress(), destination: randomAddress(), sourceMac: mac, destinationMac: router }),
    );
  }
  const fills = [fillOf(bench.name, "sw", "fdb"), fillOf(bench.name, "r", "neighbours4")];
  t.diagnostic(JSON.stringify(fills));
  for (const { used, room } of fills) assert.ok(used <= room);
  assert.ok(fills[0]!.used > 1000, "the switch learns with nobody at work");
  assert.equal(await passes(), true);
  await bench.with(async (visor) => {
    assert.equal(await passes(), true);
    await visor.teardown();
  }, options);
});
