/** For tests of host mode: hosts around one that forwards, with the router on its devices. */
import assert from "node:assert/strict";
import type { JsonObject } from "../../src/engine/host/host-side.ts";
import { Counters } from "../../src/engine/inspect/counters.ts";
import { InspectedTable } from "../../src/engine/inspect/tables.ts";
import type { PipelineHook } from "../../src/engine/pipeline/topology.ts";
import { compileSource } from "../../src/engine/source.ts";
import type { GraphFunction } from "../../src/engine/visor/function.ts";
import type { Model } from "../../src/engine/visor/model.ts";
import { deviceOf, links } from "../../src/engine/visor/testing.ts";
import acl from "../../src/functions/acl/host.ts";
import { routerFunction, TestGraph } from "../../src/functions/router/testing.ts";
import { testNetwork, type VirtualNetwork } from "./network.ts";

const hosts = ["a", "b", "c", "d"] as const;
/** The last one's device is none of the router's. */
const ports = hosts.slice(0, 3);

/** Hosts around one that forwards: N is 10.0.N.2 and 2001:db8:N::2 behind its device lanN. */
export function hostModeNetwork(hook: PipelineHook): VirtualNetwork {
  const gateway = (number: number) => [
    { destination: "0.0.0.0/0", nextHops: [{ gateway: `10.0.${number}.1` }] },
    { destination: "::/0", nextHops: [{ gateway: `2001:db8:${number}::1` }] },
  ];
  const ends = (number: number, last: number) => [`10.0.${number}.${last}/24`, `2001:db8:${number}::${last}/64`];
  const net = testNetwork({
    wires: hosts.map((host, index) => [
      { host, device: "eth0", addresses: [...ends(index + 1, 2), "fe80::2/64"] },
      { host: "middle", device: `lan${index + 1}`, addresses: [...ends(index + 1, 1), "fe80::1/64"] },
    ]),
    routes: Object.fromEntries(hosts.map((host, index) => [host, gateway(index + 1)])),
    forwarding: ["middle"],
    resolveNeighbours: true,
  });
  // Frames that XDP sends out of a veth arrive only where the other end has NAPI, and their checksums are as they came.
  if (hook === "xdp")
    for (const host of hosts) net.host(host).exec("ethtool", ["-K", "eth0", "gro", "on", "tx", "off"]);
  return net;
}

interface Wanted {
  readonly config?: JsonObject;
  /** An access list between the first device and the router. */
  readonly rules?: JsonObject[string];
}

export async function hostModeModel(
  net: VirtualNetwork,
  hook: PipelineHook,
  { config = {}, rules }: Wanted = {},
): Promise<Model> {
  const names = ports.map((_, index) => `lan${index + 1}`);
  const router = {
    name: "r1",
    function: await routerFunction(),
    config: { mode: "host", ...config },
    ports: names.map((name) => ({ name, config: {} })),
  };
  const devices = names.map((name) => deviceOf(net.host("middle"), name, hook));
  const direct = names.map((name) => `dev:${name} -> r1.${name}`);
  if (rules === undefined) return { instances: [router], devices, links: links(...direct) };
  const list = { name: "fw", function: await aclFunction(), config: { rules } };
  const sides = ["inside", "outside"].map((name) => ({ name, config: {} }));
  return {
    instances: [router, { ...list, ports: sides }],
    devices,
    links: links("dev:lan1 -> fw.outside", "fw.inside -> r1.lan1", ...direct.slice(1)),
  };
}

async function aclFunction(): Promise<GraphFunction> {
  const { module } = await compileSource(new URL("../../src/functions/acl/kernel.ts", import.meta.url).pathname);
  return { kind: "acl", module, host: acl, fingerprint: "acl" };
}

export class HostModeGraph extends TestGraph {
  readonly #before = new Map<string, number>();

  /** Packets that left by a port of the router since it was asked last. */
  forwarded(port: string): number {
    const node = this.prepared!.numbered.instances.get("r1")!;
    const { ports: counters } = new Counters(this.dataPath, () => this.prepared!.numbered.topology).of(node);
    const [before, now] = [this.#before.get(port) ?? 0, Number(counters[port]!.outPackets)];
    this.#before.set(port, now);
    return now - before;
  }

  dropped(wanted: string): number {
    const node = this.prepared!.numbered.instances.get("r1")!;
    const { drops } = new Counters(this.dataPath, () => this.prepared!.numbered.topology).of(node);
    return Number(drops.find(({ reason }) => reason === wanted)!.packets);
  }

  /** Packets that were left to the kernel for a reason. */
  left(reason: string): number {
    const { declaration, map } = this.map("r1", "toKernel")!;
    using table = new InspectedTable(declaration, map);
    return Number((table.get(0)!.value as Readonly<Record<string, bigint>>)[reason]);
  }
}

/** Most of so many packets; a few go by the kernel, which finds or looks after the neighbour. */
export function assertMost(count: number, of: number): void {
  assert.ok(count >= of * 0.7 && count <= of, `${count} of ${of}`);
}

export function change(net: VirtualNetwork, text: string): void {
  net.host("middle").exec("ip", text.split(" "));
}

export function set(net: VirtualNetwork, name: string, value: number): void {
  net.host("middle").exec("sysctl", ["-qw", `${name}=${value}`]);
}
