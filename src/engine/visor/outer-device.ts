import { someNode } from "../../compiler/hir/walk.ts";
import type { OuterDevice } from "../host/host-side.ts";
import type { Peer } from "../pipeline/topology.ts";
import type { GraphFunction } from "./function.ts";
import type { Model, ModelDevice, PeersByPort } from "./model.ts";

interface Surroundings {
  readonly model: Model;
  readonly peers: ReadonlyMap<string, PeersByPort>;
  readonly devices: ReadonlyMap<string, ModelDevice>;
}

/**
 * The device whose wire side packets at one end of a link come from and go to. What lies between has two linked ports,
 * so that packets can only go through it, and does not flood: copies may go on as if another device had received them.
 */
export function outerDevice(from: Peer | undefined, { model, peers, devices }: Surroundings): OuterDevice | undefined {
  const seen = new Set<string>();
  let peer = from;
  while (peer?.kind === "port") {
    const { instance, port } = peer;
    const linked = peers.get(instance);
    const of = model.instances.find(({ name }) => name === instance)!.function;
    if (seen.has(instance) || linked?.size !== 2 || floods(of)) return undefined;
    seen.add(instance);
    peer = [...linked].find(([number]) => number !== port)?.[1];
  }
  const device = peer?.kind === "device" ? devices.get(peer.device) : undefined;
  return device && { name: device.name, netns: device.netns, found: device.found };
}

function floods({ module }: GraphFunction): boolean {
  return module.programs.some(({ body }) =>
    someNode(body, (node) => node.kind === "operation" && node.operation === "verdict.flood"),
  );
}
