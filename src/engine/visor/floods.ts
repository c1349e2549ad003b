import { IovisorError } from "../../errors.ts";
import type { KernelMap } from "../../kernel/maps.ts";
import { Codec } from "../codec.ts";
import { recirculationTag } from "../datapath/recirculation-program.ts";
import type { FloodGroup } from "../host/host-side.ts";
import { groupKey } from "../pipeline/flood.ts";
import { FloodGroup as FloodGroupLayout, mostMembers } from "../pipeline/tables.ts";
import type { Peer, PipelineHook, Topology } from "../pipeline/topology.ts";
import type { Identities } from "./identities.ts";
import type { NumberedInstance } from "./model.ts";
import type { Prepared } from "./prepare.ts";

/** The members of a group, before it is known which generation they serve. */
export interface PlannedGroup {
  /** Identity of the instance. */
  readonly instance: number;
  readonly group: number;
  readonly members: readonly PlannedMember[];
}

export type PlannedMember = {
  readonly port: number;
  readonly tagged: boolean;
} & (
  | {
      readonly kind: "device";
      readonly ifindex: number;
      readonly netns: string | undefined;
      /** It is in a group with tags that it does not get: see `untaggedPorts`. */
      readonly untag: boolean;
    }
  /** The stack, as received on a device. */
  | { readonly kind: "host"; readonly ifindex: number }
  /** A port of another function, reached by the hidden pair. */
  | { readonly kind: "entry"; readonly entry: number }
);

/** The groups of all instances that flood at a hook. Members whose device is not there are left out. */
export function plannedGroups(prepared: Prepared, hook: PipelineHook): readonly PlannedGroup[] {
  return [...prepared.numbered.instances.values()].flatMap((instance) =>
    instance.floodGroups.map((group): PlannedGroup => {
      checkGroup(instance, group);
      const untagged = untaggedPorts(instance);
      const members = group.members.flatMap((member) => {
        return plannedMember(prepared, hook, instance, { ...member, untag: untagged.has(member.port) }) ?? [];
      });
      return { instance: instance.identity.id, group: group.group, members };
    }),
  );
}

function checkGroup({ view }: NumberedInstance, { group, members }: FloodGroup): void {
  if (members.length <= mostMembers) return;
  const message = `group ${group} of "${view.name}" has ${members.length} members, ${mostMembers} fit`;
  throw new IovisorError("E_USAGE", message, "spread the ports over several switches");
}

function plannedMember(
  prepared: Prepared,
  hook: PipelineHook,
  instance: NumberedInstance,
  { port, tagged, untag }: FloodGroup["members"][number] & { readonly untag: boolean },
): PlannedMember | undefined {
  const peer = instance.node.peers[port];
  if (peer?.kind === "port") {
    const places = { topology: prepared.numbered.topology, entries: prepared.identities.entries };
    const entryAt = (at: PipelineHook) => innerEntryOf(peer, places, at);
    // Programs at XDP count by the table of TCX, too, where only they flood.
    const entry = entryAt(hook) ?? (hook === "tcx" ? entryAt("xdp") : undefined);
    return entry === undefined ? undefined : { port, tagged, kind: "entry", entry };
  }
  const device = instance.view.ports.find((one) => one.number === port)?.device;
  if (!device || !peer) return undefined;
  if (peer.kind === "host") return { port, tagged, kind: "host", ifindex: device.ifindex };
  const { netns } = prepared.model.devices.find((one) => one.alias === peer.device)!;
  return { port, tagged, kind: "device", ifindex: device.ifindex, netns, untag };
}

interface Places {
  readonly topology: Topology;
  readonly entries: Identities["entries"];
}

/** Where copies go on that are flooded to a function's port. */
function innerEntryOf(
  peer: Extract<Peer, { readonly kind: "port" }>,
  { topology, entries }: Places,
  hook: PipelineHook,
): number | undefined {
  return entries[`in-${peer.instance}.${topology.get(peer.instance)!.ports[peer.port]!}-${hook}`];
}

/** The entries that flooded packets go on at, in order. */
export function floodTargets(
  instances: readonly Pick<NumberedInstance, "floodGroups" | "node">[],
  places: Places,
  hook: PipelineHook,
): readonly number[] {
  const found = instances.flatMap(({ floodGroups, node }) =>
    floodGroups.flatMap(({ members }) =>
      members.flatMap(({ port }) => {
        const peer = node.peers[port];
        return peer?.kind === "port" ? (innerEntryOf(peer, places, hook) ?? []) : [];
      }),
    ),
  );
  return [...new Set(found)].sort((left, right) => left - right);
}

/** A bit for each port that gets the tag of a group, by its number. */
export function taggedPorts(members: FloodGroup["members"]): bigint {
  const bits = members.map(({ port, tagged }) => (tagged ? BigInt.asUintN(64, 1n << BigInt(port)) : 0n));
  return bits.reduce((left, right) => left | right, 0n);
}

/** Ports that are in a group with tags that they do not get. */
export function untaggedPorts({ floodGroups }: Pick<NumberedInstance, "floodGroups">): ReadonlySet<number> {
  return new Set(
    floodGroups.flatMap(({ members }) =>
      members.some(({ tagged }) => tagged) ? members.filter(({ tagged }) => !tagged).map(({ port }) => port) : [],
    ),
  );
}

/** The ports of an instance that lead to functions: what the variants of a group leave out. */
export function innerPortsOf(prepared: Prepared, instance: number): readonly number[] {
  const found = [...prepared.numbered.instances.values()].find(({ identity }) => identity.id === instance);
  return (found?.node.peers ?? []).flatMap((peer, port) => (peer?.kind === "port" ? [port] : []));
}

const codec = new Codec<unknown>(FloodGroupLayout);

/** The table of groups that TCX programs copy by. */
export class FloodTable {
  readonly #map: KernelMap;

  constructor(map: KernelMap) {
    this.#map = map;
  }

  /** @param hidden the index of the hidden pair's end, where there is one. */
  set(group: PlannedGroup, parity: number, hidden: number | undefined): void {
    const members = group.members.map((member) => {
      const { port, tagged } = member;
      const plain = { port, tagged, toHost: Number(member.kind === "host"), recirculation: 0 };
      if (member.kind !== "entry") return { ...plain, ifindex: member.ifindex };
      const recirculation = recirculationTag(member.entry, parity);
      return { ...plain, ifindex: hidden ?? 0, recirculation };
    });
    const none = { port: 0, ifindex: 0, tagged: 0, toHost: 0, recirculation: 0 };
    const value = {
      count: members.length,
      tagged: group.members.some((member) => member.tagged) ? 1 : 0,
      taggedPorts: taggedPorts(group.members),
      members: Array.from({ length: mostMembers }, (_, index) => {
        const member = members[index];
        return member ? { ...none, ...member, tagged: Number(member.tagged) } : none;
      }),
    };
    this.#map.update(keyOf(group, parity), codec.encode(value));
  }

  delete(group: Pick<PlannedGroup, "instance" | "group">, parity: number): void {
    this.#map.delete(keyOf(group, parity));
  }
}

function keyOf({ instance, group }: Pick<PlannedGroup, "instance" | "group">, parity: number): Uint8Array {
  const key = new Uint8Array(4);
  new DataView(key.buffer).setUint32(0, groupKey(parity, instance, group), true);
  return key;
}
