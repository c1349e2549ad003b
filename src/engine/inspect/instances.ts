import type { MapDeclaration } from "../../compiler/hir/tree.ts";
import type { TableDescription } from "../catalogue/description.ts";
import type { InstancePort, JsonObject, PortDevice } from "../host/host-side.ts";
import { stagesOf } from "../pipeline/cut.ts";
import { portName } from "../pipeline/topology.ts";
import type { HostHealth } from "../visor/host-health.ts";
import type { NumberedInstance } from "../visor/model.ts";
import type { Visor } from "../visor/visor.ts";
import type { Counted, Counters, DropCount, PortCount } from "./counters.ts";
import { type HeldInstance, heldInstances } from "./held.ts";

export interface InstanceSummary {
  readonly name: string;
  readonly kind: string;
  readonly ports: number;
  /** Received by its ports, of all of them. */
  readonly packets: bigint;
  readonly drops: bigint;
  readonly state: InstanceState;
}

/** "degraded": its host side failed and is started again, or its function could not be taken over. */
export type InstanceState = "ok" | "degraded";

export interface PortReport {
  readonly name: string;
  readonly number: number;
  readonly config: JsonObject;
  /** The other end of its link: "dev:eth0", "r1.lan". */
  readonly link?: string;
  readonly device?: PortDevice;
  readonly counters: PortCount;
}

export interface TableReport extends TableDescription {
  readonly name: string;
  /** Absent where it grows with the configuration. */
  readonly maximumEntries?: number;
}

export interface InstanceReport {
  readonly name: string;
  readonly kind: string;
  readonly title: string;
  readonly config: JsonObject;
  readonly ports: readonly PortReport[];
  /** Reasons for which packets were dropped, those that never happened left out. */
  readonly drops: readonly DropCount[];
  readonly tables: readonly TableReport[];
  /** Pipelines that it is part of. */
  readonly pipelines: readonly string[];
  readonly state: InstanceState;
  /** Of functions whose host side runs. */
  readonly hostSide?: HostHealth;
}

export function listInstances(visor: Visor, counters: Counters): readonly InstanceSummary[] {
  const { hostSides } = visor.running;
  return [...countedInstances(visor)].map(([name, instance]) => {
    const { ports, drops } = counters.of(instance);
    return {
      name,
      kind: visor.graph.functions[name]?.kind ?? "",
      ports: instance.view.ports.length,
      packets: Object.values(ports).reduce((sum, port) => sum + port.inPackets, 0n),
      drops: drops.reduce((sum, drop) => sum + drop.packets, 0n),
      state: stateOf(visor, hostSides.get(name)),
    };
  });
}

function stateOf({ degraded }: Visor, hostSide: HostHealth | undefined): InstanceState {
  return degraded || hostSide?.state === "failed" ? "degraded" : "ok";
}

/** All instances of the graph that packets meet, for counters: also while it could not be taken over. */
export function countedInstances(visor: Visor): ReadonlyMap<string, Counted> {
  if (visor.degraded) return heldInstances(visor);
  return liveInstances(visor);
}

/** The instances that are live, by name. */
export function liveInstances(visor: Visor): ReadonlyMap<string, NumberedInstance> {
  return visor.prepared?.numbered.instances ?? new Map();
}

export function describeInstance(visor: Visor, instance: NumberedInstance, counters: Counters): InstanceReport {
  const { name, function: of, config } = instance.model;
  const hostSide = visor.running.hostSides.get(name);
  const pipelines = visor.prepared!.pipelines.filter(({ pipeline }) =>
    stagesOf(pipeline.root).some((stage) => stage.instance === name),
  );
  return {
    name,
    kind: of.kind,
    title: visor.functions.get(of.kind)?.description.title ?? of.kind,
    config,
    ports: instance.view.ports.map((port) => describePort(visor, instance, port, counters)),
    drops: counters.drops(instance).filter((drop) => drop.packets > 0n),
    tables: tablesOf(visor, instance),
    pipelines: pipelines.map(({ key }) => key),
    state: stateOf(visor, hostSide),
    ...(hostSide ? { hostSide } : {}),
  };
}

/** An instance whose function could not be taken over: what graph and kernel say of it. */
export function describeHeld(visor: Visor, instance: HeldInstance, counters: Counters): InstanceReport {
  const { name, kind, config } = instance;
  return {
    ...{ name, kind, title: kind, config },
    ports: instance.view.ports.map(({ link, ...port }) => ({
      ...{ ...port, counters: counters.port(instance, port.number) },
      ...(link === undefined ? {} : { link }),
    })),
    drops: counters.drops(instance).filter((drop) => drop.packets > 0n),
    tables: [],
    pipelines: Object.keys(visor.running.record.pipelines).filter((key) => key.split(":")[1] === name),
    state: "degraded",
  };
}

function describePort(visor: Visor, instance: NumberedInstance, port: InstancePort, counters: Counters): PortReport {
  const { name, number, config, device } = port;
  const link = linkOf(visor, instance, number);
  return {
    ...{ name, number, config, counters: counters.port(instance, number) },
    ...(link === undefined ? {} : { link }),
    ...(device === undefined ? {} : { device }),
  };
}

function linkOf(visor: Visor, { node }: NumberedInstance, port: number): string | undefined {
  const peer = node.peers[port];
  switch (peer?.kind) {
    case "device":
      return `dev:${peer.device}`;
    case "host":
      return `host:${peer.device}`;
    case "port":
      return portName(visor.prepared!.numbered.topology.get(peer.instance)!, peer.port);
    case undefined:
      return undefined;
  }
}

/** The tables of an instance that people may look into. */
export function tablesOf(visor: Visor, { model, node }: NumberedInstance): readonly TableReport[] {
  const described = visor.functions.get(model.function.kind)?.description.tables ?? {};
  const maps = node.module.maps.flatMap((map: MapDeclaration) => {
    const description = described[map.name];
    if (!description || !map.key || !map.value) return [];
    return [{ name: map.name, ...description, maximumEntries: map.maxEntries ?? 0 }];
  });
  const live = model.function.host.live?.table?.name;
  return live === undefined || !described[live] ? maps : [{ name: live, ...described[live] }, ...maps];
}
