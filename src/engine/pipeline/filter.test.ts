import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { capturedPacket } from "../../capture/capture.ts";
import { parseFilter } from "../../capture/filter.ts";
import { buildPacket } from "../../capture/packet.ts";
import { writePcap } from "../../capture/pcap.ts";
import { compileClean } from "../../compiler/frontend/testing.ts";
import { createMapStore, interpret } from "../../compiler/hir/index.ts";
import type { Module } from "../../compiler/hir/tree.ts";
import { link } from "../../vm/link.ts";
import { createMap } from "../../vm/maps/create.ts";
import { runSkb, runXdp } from "../../vm/run.ts";
import { Codec } from "../codec.ts";
import { compileComposed } from "../datapath/load-composed.ts";
import { mapSpec } from "../map-spec.ts";
import { prepareModule } from "../prepare.ts";
import { composePipeline } from "./compose.ts";
import { cutPipelines } from "./cut.ts";
import { metadataSlots, Scratch, tableNames } from "./tables.ts";
import type { Tap } from "./taps.ts";
import type { PipelineHook, Topology } from "./topology.ts";

const host = compileClean(`import { fixedPorts, onPacket, Pass } from "iovisor/kernel";
export const ports = fixedPorts("only");
export default onPacket(() => Pass);`);

const topology: Topology = new Map([
  [
    "h",
    {
      ...{ instance: "h", module: prepareModule(host).module, ports: ["only"], peers: [undefined] },
      ...{ firstPort: 0, firstReason: 0, id: 3, work: 1000 },
    },
  ],
]);
const tables = { entries: 16, ports: 64, reasons: 64, pipelines: 16, groups: 16 };

/** A pipeline of one function that is looked at through a filter. */
function observed(filter: string, hook: PipelineHook): Module {
  const tap: Tap = {
    ...{ number: 0, follows: false, filter: parseFilter(filter), snapBytes: 64, ringBytes: 65536 },
    points: { h: { in: "all", out: [], dropped: [] } },
  };
  const [pipeline] = cutPipelines(topology, [{ instance: "h", hook }]);
  return prepareModule(composePipeline(pipeline!, { topology, tables, slots: new Map(), taps: [tap] })).module;
}

const u32 = new Uint8Array(4);
const noScratch = { port: 0, parity: 0, fromHost: 0, unused: 0 };
const scratch = new Codec<unknown>(Scratch).encode({ ...noScratch, metadata: Array(metadataSlots).fill(0n) });
const hookNames = { xdp: "xdp", tcx: "tcx-ingress" } as const;

/** What a device that takes tags out of frames makes of a packet. */
interface SkbPacket {
  readonly packet: Uint8Array;
  readonly vlan: number | undefined;
}

function untagged(packet: Uint8Array): SkbPacket {
  if (packet[12] !== 0x81 || packet[13] !== 0) return { packet, vlan: undefined };
  const vlan = packet[14]! * 256 + packet[15]!;
  return { packet: Uint8Array.from([...packet.subarray(0, 12), ...packet.subarray(16)]), vlan };
}

/** Which packets a program writes records of: that of the interpreter and that of the VM. */
function letThrough(
  module: Module,
  hook: PipelineHook,
  packets: readonly Uint8Array[],
): readonly (readonly number[])[] {
  const code = compileComposed(module, hook);
  const passed = { interpreter: [] as number[], vm: [] as number[] };
  for (const [index, whole] of packets.entries()) {
    const { packet, vlan } = hook === "tcx" ? untagged(whole) : { packet: whole, vlan: undefined };
    const stores = module.maps.map((map) => createMapStore(map, 1));
    stores[module.maps.findIndex((map) => map.name === tableNames.scratch)]!.update(u32, scratch, 0, 0);
    const tag = vlan === undefined ? {} : { vlanTag: vlan };
    const { events } = interpret(module.programs[0]!, module, { hook: hookNames[hook], packet, maps: stores, ...tag });
    if (events.length > 0) passed.interpreter.push(index);
    const maps = Object.fromEntries(module.maps.map((map) => [map.name, createMap(mapSpec(module, map, new Map()))]));
    maps[tableNames.scratch]!.update(u32, scratch);
    const linked = link(code, maps);
    if (hook === "xdp") runXdp(linked, packet);
    else runSkb(linked, packet, vlan === undefined ? {} : { fields: { vlan_present: 1, vlan_tci: vlan } });
    const ring = maps["iov_tap0"] as ReturnType<
      typeof createMap<{ type: "ringbuf" } & Parameters<typeof createMap>[0]>
    >;
    if ([...ring.drain()].length > 1) passed.vm.push(index);
  }
  return [passed.interpreter, passed.vm];
}

const packets = [
  "eth / ip 10.0.0.1 > 10.0.0.2 / tcp 1234 > 443 syn",
  "eth / ip 10.0.0.2 > 10.0.0.1 / tcp 443 > 1234 ack",
  "eth / ip 10.9.0.1 > 10.0.0.2 / tcp 443 > 80",
  "eth / ip 10.0.0.1 > 10.0.0.2 / udp 443 > 53 / payload 20",
  "eth / ip 10.0.0.1 > 10.0.0.2 / icmp echo-request id 1 seq 1",
  "eth / ip6 fd00::1 > fd00::2 / tcp 1234 > 443 syn",
  "eth / ip6 fd00:1::1 > fd00::2 / udp 53 > 53 / payload 9",
  "eth / arp who-has 10.0.0.2 tell 10.0.0.1",
  "eth / vlan 10 / ip 10.0.0.1 > 10.0.0.2 / tcp 1234 > 443 syn",
  "eth / vlan 10 / vlan 20 / ip 10.0.0.1 > 10.0.0.2 / udp 1 > 443",
  "eth / vlan 11 / arp who-has 10.0.0.2 tell 10.0.0.1",
  "eth / ip 192.0.2.1 > 10.0.0.2 / udp 443 > 9",
].map(buildPacket);
/** A later fragment, whose first bytes are no ports, and a header with options. */
const fragment = packets[3]!.slice();
fragment[21] = 100;
packets.push(fragment, packets[0]!.subarray(0, 20), packets[0]!.subarray(0, 13));

/** Ours, and what tcpdump calls it; tags shift the rest of its expressions, so that it is not asked about those. */
const filters: readonly (readonly [ours: string, theirs: string | undefined, expected?: readonly number[]])[] = [
  ["ip 10.0.0.1 tcp 443", "host 10.0.0.1 and tcp port 443"],
  ["src 10.0.0.0/16 and udp", "src net 10.0.0.0/16 and udp"],
  ["dst host 10.0.0.1", "ip dst host 10.0.0.1"],
  ["src port 443", "ip and src port 443 or ip6 and src port 443"],
  ["udp dst port 53", "udp dst port 53"],
  ["ip6", "ip6"],
  ["fd00::/32 tcp", "ip6 net fd00::/32 and tcp"],
  ["src fd00:1::/48", "ip6 src net fd00:1::/48"],
  ["icmp", "icmp"],
  ["arp", "arp"],
  ["proto 6", "ip proto 6 or ip6 proto 6"],
  ["type 0x0806", "ether proto 0x0806"],
  ["net 10.0.0.0/15", "ip net 10.0.0.0/15"],
  ["net 0.0.0.0/0", undefined, [0, 1, 2, 3, 4, 8, 9, 11, 12]],
  ["vlan", undefined, [8, 9, 10]],
  ["vlan 10 tcp 443", undefined, [8]],
  ["vlan 10 10.0.0.1 port 443", undefined, [8, 9]],
  ["tcp port 443 10.0.0.1", undefined, [0, 1, 8]],
];

for (const hook of ["tcx", "xdp"] satisfies PipelineHook[]) {
  test(`filters let through what tcpdump's do (${hook})`, { skip: missing("tcpdump"), timeout: 120_000 }, () => {
    for (const [ours, theirs, expected] of filters) {
      const plain = packets.map((packet, index) => (packet[12] === 0x81 ? -1 : index));
      const known = expected ?? tcpdump(theirs!).filter((index) => plain.includes(index));
      const seen = letThrough(observed(ours, hook), hook, packets);
      const comparable = (list: readonly number[]) => (expected ? list : list.filter((index) => plain.includes(index)));
      assert.deepEqual(seen.map(comparable), [known, known], ours);
      assert.ok(known.length > 0, ours);
    }
  });
}

/** The places of the packets that fit an expression of tcpdump. */
function tcpdump(expression: string): number[] {
  const folder = mkdtempSync(join(tmpdir(), `iov${process.pid}-`));
  try {
    const file = join(folder, "capture");
    const all = packets.map((bytes, index) => capturedPacket(bytes, { timestamp: BigInt(index) * 1_000_000_000n }));
    writeFileSync(file, writePcap(all));
    const run = spawnSync("tcpdump", ["-nn", "-tt", "-q", "-r", file, expression], { encoding: "utf8" });
    assert.equal(run.status, 0, run.stderr);
    return [...run.stdout.matchAll(/^(\d+)\.\d+ /gm)].map((match) => Number(match[1]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function missing(tool: string): string | false {
  return spawnSync(tool, ["--version"], { stdio: "ignore" }).status === 0 ? false : `${tool} is not installed`;
}

test("filters that cannot be read say where they went wrong", () => {
  const message = (text: string): string => {
    try {
      parseFilter(text);
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.match(message("ip 10.0.0.300"), /"10\.0\.0\.300" is no term and no address/);
  assert.match(message("tcp port"), /expected a port at its end/);
  assert.match(message("port 65536"), /expected a port, 0 to 65535, found "65536"/);
  assert.match(message("10.0.0.0/33"), /"\/33" is no prefix length, 0 to 32/);
  assert.match(message("10.0.0.0/"), /"\/" is no prefix length/);
  assert.match(message("ip6 10.0.0.1"), /no packet can be all of it/);
  assert.match(message("icmp tcp"), /no packet can be all of it/);
  assert.match(message("src"), /expected an address or "port" at its end/);
});
