import { NetworkNamespace } from "../../kernel/namespaces.ts";
import { readXdpFeatures } from "../../kernel/netdev.ts";
import { NETLINK_ROUTE } from "../../kernel/netlink/constants.ts";
import { type Link as KernelLink, listLinks } from "../../kernel/netlink/links.ts";
import { NetlinkSocket } from "../../kernel/netlink/socket.ts";
import { type Device, deviceOf, type Graph, type LinkEnd as GraphEnd } from "../graph/types.ts";
import type { PortDevice } from "../host/host-side.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import type { GraphFunction } from "./function.ts";
import type { LinkEnd, Model, ModelDevice, ModelInstance } from "./model.ts";

/**
 * Looks up what a valid graph names: functions, and the devices that are there at the moment. A device whose name ends
 * in "*" stands for all that fit: a port that is linked to it is there once for each of them.
 */
export function resolveGraph(graph: Graph, functions: ReadonlyMap<string, GraphFunction>): Model {
  const ends = graph.links.flatMap(({ from, to }) => [from, to]);
  const aliases = [...new Set(ends.flatMap((end) => (end.kind === "port" ? [] : [end.device])))];
  const machine = new Machine();
  const devices = new Map(aliases.map((alias) => [alias, machine.find(alias, deviceOf(graph, alias))]));
  const links = graph.links.flatMap(({ from, to }) => expandLink(from, to, devices));
  const instances = Object.entries(graph.functions).map(([name, { kind, config, ports }]): ModelInstance => {
    const found = functions.get(kind)!;
    return { name, function: found, config, ports: portsOf(name, found, ports, graph, devices) };
  });
  return { instances, devices: [...devices.values()].flat(), links };
}

/** Ports of an instance: those that the function fixes, or those that the graph names. */
function portsOf(
  instance: string,
  of: GraphFunction,
  given: Graph["functions"][string]["ports"],
  graph: Graph,
  devices: ReadonlyMap<string, readonly ModelDevice[]>,
): ModelInstance["ports"] {
  const declared = of.module.interface?.ports;
  const names = declared?.kind === "fixed" ? declared.names : Object.keys(given);
  return names.flatMap((name) => {
    const config = given[name] ?? {};
    const pattern = patternAt(graph, instance, name);
    if (pattern === undefined) return [{ name, config }];
    return (devices.get(pattern) ?? []).map((device) => ({ name: `${name}:${device.name}`, config }));
  });
}

/** The alias of the devices that a port is linked to, when it is a pattern. */
function patternAt(graph: Graph, instance: string, port: string): string | undefined {
  const isIt = (end: GraphEnd): boolean => end.kind === "port" && end.instance === instance && end.port === port;
  const link = graph.links.find(({ from, to }) => isIt(from) || isIt(to));
  const other = link && (isIt(link.from) ? link.to : link.from);
  if (!other || other.kind === "port") return undefined;
  return isPattern(deviceOf(graph, other.device)) ? other.device : undefined;
}

function isPattern({ name }: Device): boolean {
  return name.endsWith("*");
}

function expandLink(
  from: GraphEnd,
  to: GraphEnd,
  devices: ReadonlyMap<string, readonly ModelDevice[]>,
): Model["links"] {
  const [outer, inner] = from.kind === "port" ? [to, from] : [from, to];
  if (outer.kind === "port" || inner.kind !== "port") return [[plainEnd(from), plainEnd(to)]];
  const found = devices.get(outer.device)!;
  const expanded = found.some((device) => device.alias !== outer.device);
  if (!expanded && found.length > 0) return [[plainEnd(outer), plainEnd(inner)]];
  return found.map((device) => [
    { kind: outer.kind === "dev" ? "device" : "host", device: device.alias },
    { kind: "port", instance: inner.instance, port: `${inner.port}:${device.name}` },
  ]);
}

function plainEnd(end: GraphEnd): LinkEnd {
  if (end.kind === "port") return end;
  return { kind: end.kind === "dev" ? "device" : "host", device: end.device };
}

/** The devices of this machine, each namespace read once. */
class Machine {
  readonly #links = new Map<string | undefined, readonly KernelLink[]>();

  find(alias: string, { name, netns, hook }: Device): readonly ModelDevice[] {
    const links = this.#linksOf(netns);
    const model = (as: string, link: KernelLink | undefined, called: string): ModelDevice => ({
      alias: as,
      name: called,
      netns,
      hook: hook === "auto" ? usualHook(link, netns) : hook,
      found: link && portDevice(link),
    });
    if (!isPattern({ name, hook }))
      return [
        model(
          alias,
          links.find((link) => link.name === name),
          name,
        ),
      ];
    const start = name.slice(0, -1);
    const fitting = links.filter((link) => link.name.startsWith(start));
    return fitting.map((link) => model(`${alias}:${link.name}`, link, link.name));
  }

  #linksOf(netns: string | undefined): readonly KernelLink[] {
    const known = this.#links.get(netns);
    if (known) return known;
    const links = readLinks(netns);
    this.#links.set(netns, links);
    return links;
  }
}

/** A namespace that is not there has no devices: they may come. */
function readLinks(netns: string | undefined): readonly KernelLink[] {
  if (netns !== undefined && !NetworkNamespace.list().includes(netns)) return [];
  using namespace = netns === undefined ? undefined : NetworkNamespace.open(netns);
  using socket = new NetlinkSocket(NETLINK_ROUTE, namespace);
  return listLinks(socket);
}

function portDevice(link: KernelLink): PortDevice {
  return { name: link.name, ifindex: link.index, mac: link.address, mtu: link.mtu };
}

/**
 * TCX keeps segmentation and checksum offloads, which is what virtual devices live on; physical ones are faster at XDP,
 * where their driver has it.
 */
function usualHook(link: KernelLink | undefined, netns: string | undefined): PipelineHook {
  if (!link || link.kind !== undefined || link.name === "lo") return "tcx";
  using namespace = netns === undefined ? undefined : NetworkNamespace.open(netns);
  const features = readXdpFeatures(link.index, namespace);
  return features?.basic && features.redirect ? "xdp" : "tcx";
}
