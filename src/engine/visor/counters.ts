import type { Layout } from "../../compiler/hir/layout.ts";
import type { KernelMap } from "../../kernel/maps.ts";
import { Codec } from "../codec.ts";
import type { DataPath } from "../datapath/data-path.ts";
import { reasonsOf } from "../pipeline/reasons.ts";
import { Count, PortCounters } from "../pipeline/tables.ts";
import type { NumberedInstance } from "./model.ts";
import type { Prepared } from "./prepare.ts";

/** Packets and bytes of a port since it has its number. */
export interface PortCount {
  readonly inPackets: bigint;
  readonly inBytes: bigint;
  readonly outPackets: bigint;
  readonly outBytes: bigint;
}

export interface DropCount {
  readonly reason: string;
  readonly description: string;
  readonly packets: bigint;
  readonly bytes: bigint;
}

/** Counters of one instance. */
export interface InstanceCounters {
  /** By the port's name. */
  readonly ports: Readonly<Record<string, PortCount>>;
  /** Every reason that the instance can drop for, in the order of their numbers. */
  readonly drops: readonly DropCount[];
}

/** What counters are read of: a visor, or parts of one. */
export interface Counted {
  readonly prepared: Prepared | undefined;
  readonly running: { readonly dataPath: DataPath };
}

/** Counters of all instances of the live revision, by name; the processors' parts are added up. */
export function readCounters(visor: Counted): Readonly<Record<string, InstanceCounters>> {
  const { prepared } = visor;
  if (!prepared) return {};
  const instances = [...prepared.numbered.instances];
  return Object.fromEntries(instances.map(([name, instance]) => [name, instanceCounters(visor, prepared, instance)]));
}

function instanceCounters(
  { running: { dataPath } }: Counted,
  prepared: Prepared,
  instance: NumberedInstance,
): InstanceCounters {
  const ports = instance.view.ports.map(({ name, number }) => [name, portCount(dataPath, prepared, instance, number)]);
  const drops = reasonsOf(instance.node.module).map(({ name, description }, number): DropCount => {
    const counts = read(dataPath.table("drops"), Count, instance.node.firstReason + number);
    return { reason: name, description, packets: counts["packets"]!, bytes: counts["bytes"]! };
  });
  return { ports: Object.fromEntries(ports), drops };
}

/** What comes in on a port that is linked to a function's is what that one sends out: it is counted there. */
function portCount(dataPath: DataPath, prepared: Prepared, { node }: NumberedInstance, number: number): PortCount {
  const at = (port: number) => read(dataPath.table("ports"), PortCounters, port);
  const own = at(node.firstPort + number);
  const peer = node.peers[number];
  const other =
    peer?.kind === "port" ? at(prepared.identities.instances[peer.instance]!.firstPort + peer.port) : undefined;
  return {
    inPackets: other ? other["outPackets"]! : own["inPackets"]!,
    inBytes: other ? other["outBytes"]! : own["inBytes"]!,
    outPackets: own["outPackets"]!,
    outBytes: own["outBytes"]!,
  };
}

/** A value of a per-CPU array of structs of u64. */
function read(map: KernelMap, layout: Layout, index: number): Readonly<Record<string, bigint>> {
  const codec = new Codec<Readonly<Record<string, bigint>>>(layout);
  const key = new Uint8Array(Uint32Array.of(index).buffer);
  const parts = (map.lookupPerCpu(key) ?? []).map((part) => codec.decode(part));
  const names = Object.keys(codec.decode(new Uint8Array(codec.size)));
  return Object.fromEntries(names.map((name) => [name, parts.reduce((sum, part) => sum + part[name]!, 0n)]));
}
