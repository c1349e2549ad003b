import { cutPipelines, stagesOf } from "../pipeline/cut.ts";
import { floods } from "../pipeline/flood.ts";
import { nodeOf, type PipelineHook } from "../pipeline/topology.ts";
import type { LinkEnd, Model, NumberedModel } from "./model.ts";

/** A place where packets enter the graph. */
export type Entry = DeviceEntry | InnerEntry;

interface EntryPlace {
  /** Unique, and fit for a file's name: "dev-lan1-xdp", "host-eth0-tcx", "in-r1.lan-tcx". */
  readonly key: string;
  readonly hook: PipelineHook;
  readonly instance: string;
  readonly port: number;
  /** Few packets enter here. */
  readonly rare: boolean;
}

/** The hook of a device. What the host sends passes TCX only. */
export interface DeviceEntry extends EntryPlace {
  readonly side: "dev" | "host";
  readonly device: string;
}

/** The hidden pair of devices: for copies of flooded packets and for frames of host sides. */
export interface InnerEntry extends EntryPlace {
  readonly side: "inner";
}

/** All places where packets enter a graph, in a stable order. */
export function entriesOf(model: Model, numbered: NumberedModel): readonly Entry[] {
  const fromDevices = deviceEntries(model, numbered);
  const injected = injectionEntries(numbered, fromDevices);
  return withFlooded(numbered, [...fromDevices, ...injected]);
}

function deviceEntries(model: Model, numbered: NumberedModel): readonly Entry[] {
  const hooks = new Map(model.devices.map((device) => [device.alias, device.hook]));
  const entry = (end: LinkEnd, other: LinkEnd): DeviceEntry[] => {
    if (end.kind === "port" || other.kind !== "port") return [];
    const side = end.kind === "device" ? "dev" : "host";
    const hook = side === "host" ? "tcx" : hooks.get(end.device)!;
    const port = numbered.identities[other.instance]!.ports[other.port]!;
    return [
      {
        key: `${side}-${end.device}-${hook}`,
        side,
        hook,
        device: end.device,
        instance: other.instance,
        port,
        rare: false,
      },
    ];
  };
  return model.links.flatMap(([left, right]) => [...entry(left, right), ...entry(right, left)]);
}

function innerEntry(numbered: NumberedModel, hook: PipelineHook, instance: string, port: number): InnerEntry {
  const name = nodeOf(numbered.topology, instance).ports[port] ?? String(port);
  return { key: `in-${instance}.${name}-${hook}`, side: "inner", hook, instance, port, rare: true };
}

/** Host sides that are at work send frames into the graph: in on their own ports, and out to the functions behind. */
function injectionEntries(numbered: NumberedModel, fromDevices: readonly Entry[]): readonly Entry[] {
  const hook: PipelineHook = fromDevices.some((entry) => entry.hook === "tcx") ? "tcx" : "xdp";
  return [...numbered.instances.values()].flatMap(({ model, node }) => {
    if (!model.function.host.start) return [];
    return node.peers.flatMap((peer, port): InnerEntry[] => {
      const own = peer ? [innerEntry(numbered, hook, node.instance, port)] : [];
      const behind = peer?.kind === "port" ? [innerEntry(numbered, hook, peer.instance, peer.port)] : [];
      return [...own, ...behind];
    });
  });
}

/** Copies of flooded packets for functions go through the hidden pair, which may make further functions flood. */
function withFlooded(numbered: NumberedModel, entries: readonly Entry[]): readonly Entry[] {
  const known = new Map(entries.map((entry) => [entry.key, entry]));
  for (let before = -1; before < known.size; ) {
    before = known.size;
    for (const { hook, root } of cutPipelines(numbered.topology, [...known.values()])) {
      for (const stage of stagesOf(root)) {
        const node = nodeOf(numbered.topology, stage.instance);
        if (!floods(node)) continue;
        for (const peer of node.peers) {
          if (peer?.kind !== "port") continue;
          const entry = innerEntry(numbered, hook, peer.instance, peer.port);
          known.set(entry.key, entry);
        }
      }
    }
  }
  return [...known.values()];
}
