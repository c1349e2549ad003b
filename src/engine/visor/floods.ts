import { IovisorError } from "../../errors.ts";
import type { KernelMap } from "../../kernel/maps.ts";
import { Codec } from "../codec.ts";
import { recirculationTag } from "../datapath/recirculation-program.ts";
import type { FloodGroup } from "../host/host-side.ts";
import { groupKey } from "../pipeline/flood.ts";
import { FloodGroup as FloodGroupLayout, mostMembers } from "../pipeline/tables.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
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
  | { readonly kind: "device"; readonly ifindex: number; readonly netns: string | undefined }
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
      const members = group.members.flatMap((member) => plannedMember(prepared, hook, instance, member) ?? []);
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
  { port, tagged }: FloodGroup["members"][number],
): PlannedMember | undefined {
  const peer = instance.node.peers[port];
  if (peer?.kind === "port") {
    const name = prepared.numbered.topology.get(peer.instance)!.ports[peer.port]!;
    const entry = prepared.identities.entries[`in-${peer.instance}.${name}-${hook}`];
    return entry === undefined ? undefined : { port, tagged, kind: "entry", entry };
  }
  const device = instance.view.ports.find((one) => one.number === port)?.device;
  if (!device || !peer) return undefined;
  if (peer.kind === "host") return { port, tagged, kind: "host", ifindex: device.ifindex };
  const { netns } = prepared.model.devices.find((one) => one.alias === peer.device)!;
  return { port, tagged, kind: "device", ifindex: device.ifindex, netns };
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
    const members = group.members.flatMap((member) => {
      const { port, tagged } = member;
      const plain = { port, tagged, toHost: Number(member.kind === "host"), recirculation: 0 };
      if (member.kind !== "entry") return [{ ...plain, ifindex: member.ifindex }];
      const recirculation = recirculationTag(member.entry, parity);
      return hidden === undefined ? [] : [{ ...plain, ifindex: hidden, recirculation }];
    });
    const none = { port: 0, ifindex: 0, tagged: 0, toHost: 0, recirculation: 0 };
    const value = {
      count: members.length,
      tagged: group.members.some((member) => member.tagged) ? 1 : 0,
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
