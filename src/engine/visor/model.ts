import { createHash } from "node:crypto";
import type { GivenValue } from "../../compiler/hir/settings.ts";
import type { Module } from "../../compiler/hir/tree.ts";
import { runningAbilities } from "../abilities.ts";
import { askHost, hostFailure } from "../catalogue/host-failure.ts";
import { GraphError, problemOf } from "../graph/problems.ts";
import type {
  FloodGroup,
  HostSide,
  InstancePort,
  InstanceView,
  JsonObject,
  OuterDevice,
  PortDevice,
  TableContents,
} from "../host/host-side.ts";
import { reasonsOf } from "../pipeline/reasons.ts";
import type { TableSizes } from "../pipeline/tables.ts";
import type { Node, Peer, PipelineHook, Topology } from "../pipeline/topology.ts";
import { expectedWork, type WorkFactors } from "../pipeline/work.ts";
import { prepareModule } from "../prepare.ts";
import { findingsOf } from "./check-instances.ts";
import type { GraphFunction } from "./function.ts";
import { type Claim, type Identities, type InstanceIdentity, identifyInstances } from "./identities.ts";
import { outerDevice } from "./outer-device.ts";
import { mtusOfPorts } from "./packet-sizes.ts";
import { type InstanceRules, rulesOf } from "./rule-lists.ts";

/** One end of a link, as data. */
export type LinkEnd =
  | { readonly kind: "device" | "host"; readonly device: string }
  | { readonly kind: "port"; readonly instance: string; readonly port: string };

/** An instance of a graph that was found valid. */
export interface ModelInstance {
  readonly name: string;
  readonly function: GraphFunction;
  readonly config: JsonObject;
  /** Its ports in the graph's order, with what the graph says of each. */
  readonly ports: readonly { readonly name: string; readonly config: JsonObject }[];
}

/** A device of a graph, found on this machine (or not there at the moment). */
export interface ModelDevice {
  /** The name that links use. */
  readonly alias: string;
  /** The device's own name. */
  readonly name: string;
  /** A namespace under /run/netns; undefined for the visor's own. */
  readonly netns: string | undefined;
  readonly hook: PipelineHook;
  readonly found: PortDevice | undefined;
}

/** A valid graph with its functions and devices looked up. */
export interface Model {
  readonly instances: readonly ModelInstance[];
  readonly devices: readonly ModelDevice[];
  readonly links: readonly (readonly [LinkEnd, LinkEnd])[];
}

/** An instance with its numbers, its specialised module and what its host side makes of the configuration. */
export interface NumberedInstance {
  readonly model: ModelInstance;
  readonly identity: InstanceIdentity;
  readonly node: Node;
  readonly view: InstanceView;
  readonly tables: Readonly<Record<string, TableContents>>;
  /** Lists of rules that are data, by the map's name. */
  readonly rules: InstanceRules["lists"];
  readonly floodGroups: readonly FloodGroup[];
  /** Equal for instances whose programs are equal, but for what they are linked to. */
  readonly fingerprint: string;
}

export interface NumberedModel {
  readonly instances: ReadonlyMap<string, NumberedInstance>;
  readonly identities: Identities["instances"];
  readonly topology: Topology;
}

interface SpecialisedModule {
  readonly module: Module;
  /** Instructions that the verifier is expected to process for it. */
  readonly work: number;
}

/** Specialised modules, since most instances do not change from one revision to the next. */
export class ModuleCache {
  #kept = new Map<string, SpecialisedModule>();
  #used = new Map<string, SpecialisedModule>();

  get(fingerprint: string, make: () => SpecialisedModule): SpecialisedModule {
    const made = this.#used.get(fingerprint) ?? this.#kept.get(fingerprint) ?? make();
    this.#used.set(fingerprint, made);
    return made;
  }

  /** Forgets what was not used since the last call. */
  turn(): void {
    this.#kept = this.#used;
    this.#used = new Map();
  }
}

/** Gives a graph its numbers and specialises its functions. @throws E_SETTING, E_DIAGNOSTICS, E_USAGE */
export function numberModel(
  model: Model,
  before: Identities["instances"],
  sizes: TableSizes,
  cache: ModuleCache,
  factors: WorkFactors = {},
): NumberedModel {
  const claims = model.instances.map(claimOf);
  const identities = identifyInstances(before, claims, sizes);
  const peers = peersOf(model, identities);
  const devices = new Map(model.devices.map((device) => [device.alias, device]));
  const mtus = mtusOfPorts(model);
  const viewed = model.instances.map((instance) => {
    const identity = identities[instance.name]!;
    const linked = peers.get(instance.name) ?? new Map();
    const outer = (peer: Peer | undefined) => outerDevice(peer, { peers, devices, model });
    return { instance, identity, linked, view: viewOf({ instance, identity, linked, devices, mtus, outer }) };
  });
  refuseProblems(viewed);
  const instances = new Map(
    viewed.map((one) => [one.instance.name, numberInstance({ ...one, cache, factors })] as const),
  );
  return {
    instances,
    identities: identitiesOf(instances),
    topology: new Map([...instances].map(([name, { node }]) => [name, node])),
  };
}

function identitiesOf(instances: ReadonlyMap<string, NumberedInstance>): Identities["instances"] {
  return Object.fromEntries([...instances].map(([name, { identity }]) => [name, identity]));
}

function claimOf(instance: ModelInstance): Claim {
  const declared = instance.function.module.interface?.ports;
  const names = instance.ports.map((port) => port.name);
  return {
    instance: instance.name,
    ports: names,
    portRoom: declared?.kind === "dynamic" ? declared.maximum : names.length,
    reasonRoom: reasonsOf(instance.function.module).length,
  };
}

export type PeersByPort = ReadonlyMap<number, Peer>;

function peersOf(model: Model, identities: Identities["instances"]): ReadonlyMap<string, PeersByPort> {
  const peers = new Map<string, Map<number, Peer>>();
  const numberOf = (end: Extract<LinkEnd, { kind: "port" }>): number => identities[end.instance]!.ports[end.port]!;
  const connect = (from: LinkEnd, to: LinkEnd): void => {
    if (from.kind !== "port") return;
    const known = peers.get(from.instance) ?? new Map<number, Peer>();
    peers.set(from.instance, known);
    const peer: Peer =
      to.kind === "port"
        ? { kind: "port", instance: to.instance, port: numberOf(to) }
        : { kind: to.kind, device: to.device };
    known.set(numberOf(from), peer);
  };
  for (const [left, right] of model.links) {
    connect(left, right);
    connect(right, left);
  }
  return peers;
}

/** An instance as its host side sees it. */
function viewOf(given: {
  readonly instance: ModelInstance;
  readonly identity: InstanceIdentity;
  readonly linked: PeersByPort;
  readonly devices: ReadonlyMap<string, ModelDevice>;
  /** By "instance.port". */
  readonly mtus: ReadonlyMap<string, number>;
  outer(peer: Peer | undefined): OuterDevice | undefined;
}): InstanceView {
  const { instance, identity, linked, devices, mtus } = given;
  const ports = instance.ports.map(({ name, config }): InstancePort => {
    const number = identity.ports[name]!;
    const peer = linked.get(number);
    const device = peer?.kind === "device" || peer?.kind === "host" ? devices.get(peer.device)?.found : undefined;
    const mtu = mtus.get(`${instance.name}.${name}`);
    const outer = given.outer(peer);
    return {
      ...{ name, number, config, linked: peer !== undefined, device },
      ...(mtu === undefined ? {} : { mtu }),
      ...(outer ? { outer } : {}),
    };
  });
  return { name: instance.name, config: instance.config, ports };
}

/** What host sides find wrong with their configurations, of all instances at once. @throws GraphError */
function refuseProblems(viewed: readonly { readonly instance: ModelInstance; readonly view: InstanceView }[]): void {
  const findings = viewed.flatMap(({ instance: { name, function: of }, view }) =>
    findingsOf(name, askHost(of, name, "check", () => of.host.check?.(view)) ?? []),
  );
  if (findings.length > 0) throw new GraphError(findings.map((finding) => problemOf(finding)));
}

function numberInstance(given: {
  readonly instance: ModelInstance;
  readonly identity: InstanceIdentity;
  readonly linked: PeersByPort;
  readonly view: InstanceView;
  readonly cache: ModuleCache;
  readonly factors: WorkFactors;
}): NumberedInstance {
  const { instance, identity, linked, view, cache, factors } = given;
  const { host, module } = instance.function;
  const ask = <Part extends AskedPart>(part: Part): ReturnType<NonNullable<HostSide[Part]>> | undefined =>
    askHost(instance.function, instance.name, part, () => host[part]?.(view)) as never;
  const settings = settingsOf(instance, ask("settings"));
  const rules = rulesOf(module, settings, identity.rules ?? {});
  const sizes = ask("mapSizes") ?? {};
  const fingerprint = hash([instance.function.fingerprint, rules.code, rules.shapes, sizes]);
  const names: string[] = [];
  for (const port of view.ports) names[port.number] = port.name;
  const room = module.interface?.ports?.kind === "dynamic" ? identity.portRoom : names.length;
  const specialised = cache.get(fingerprint, () => {
    const prepared = prepareModule(module, settings, rules.plans);
    return { module: withSizes(prepared.module, sizes), work: expectedWork(prepared, runningAbilities()) };
  });
  const node: Node = {
    instance: instance.name,
    module: specialised.module,
    work: Math.ceil(specialised.work * (factors[instance.function.fingerprint] ?? 1)),
    ports: Array.from({ length: room }, (_, number) => names[number] ?? `#${number}`),
    peers: Array.from({ length: room }, (_, number) => linked.get(number)),
    firstPort: identity.firstPort,
    firstReason: identity.firstReason,
    id: identity.id,
  };
  return {
    model: instance,
    identity: Object.keys(rules.shapes).length > 0 ? { ...identity, rules: rules.shapes } : identity,
    node,
    view,
    tables: knownTables(instance, ask("tables") ?? {}),
    rules: rules.lists,
    floodGroups: ask("floodGroups") ?? [],
    fingerprint,
  };
}

/** What a host side is asked about an instance. */
type AskedPart = "settings" | "tables" | "mapSizes" | "floodGroups";

function knownTables(
  { name: instance, function: { module, hostFile = "" } }: ModelInstance,
  tables: NumberedInstance["tables"],
): NumberedInstance["tables"] {
  for (const name of Object.keys(tables)) {
    if (module.maps.some((map) => map.name === name && map.key && map.value)) continue;
    throw hostFailure(hostFile, `tables for "${instance}" names "${name}", which is no map with keys`, undefined);
  }
  return tables;
}

function withSizes(module: Module, sizes: Readonly<Record<string, number>>): Module {
  const maps = module.maps.map((map) => ({ ...map, maxEntries: sizes[map.name] ?? map.maxEntries }));
  return { ...module, maps };
}

/** Settings of the kernel module: what the host side says, and of the configuration what the module declares. */
function settingsOf(
  { name: instance, config, function: { module, host, hostFile = "" } }: ModelInstance,
  given: Readonly<Record<string, unknown>> | undefined,
): Readonly<Record<string, GivenValue>> {
  const unnamed = Object.keys(given ?? {}).find((name) => !host.computedSettings?.includes(name));
  if (unnamed !== undefined) {
    const what = `settings for "${instance}" gives "${unnamed}", which computedSettings does not name`;
    throw hostFailure(hostFile, what, undefined);
  }
  const declared = new Set(module.settings.map((setting) => setting.name));
  const own = Object.entries(config).filter(([name]) => declared.has(name));
  return { ...Object.fromEntries(own), ...given } as Readonly<Record<string, GivenValue>>;
}

/** A short text that differs where the data does. Bigints and maps of names are fine. */
export function hash(data: unknown): string {
  const text = JSON.stringify(data, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value));
  return createHash("sha256").update(text).digest("base64url").slice(0, 22);
}
