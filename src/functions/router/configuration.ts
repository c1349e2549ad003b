import { createHash } from "node:crypto";
import { parseMac } from "../../capture/address.ts";
import type { InstancePort, InstanceView, Json, JsonObject } from "../../engine/host/host-side.ts";
import { linkLocalOf, type Prefix, parseAddress, parseInterface, parsePrefix } from "./addresses.ts";

export const mostPorts = 64;
const usualMtu = 1500;
const usualIcmpRate = 100;

/** A port of a router, worked out. */
export interface RouterPort {
  readonly name: string;
  readonly number: number;
  readonly mac: Uint8Array;
  readonly mtu: number;
  /** Its own addresses with their networks. */
  readonly addresses: readonly Prefix[];
  readonly linkLocal: Uint8Array;
  readonly icmpRate: number;
  /** In host mode, index of the device that its packets come from; 0 while that is not there, and otherwise. */
  readonly device: number;
}

/** A route as the configuration has it. Several of one prefix and one metric share its flows. */
export interface ConfiguredRoute {
  readonly prefix: Prefix;
  readonly metric: number;
  readonly via: Uint8Array | undefined;
  readonly port: string | undefined;
  readonly refuse: "blackhole" | "prohibit" | undefined;
}

export interface StaticNeighbour {
  readonly port: string;
  readonly address: Uint8Array;
  readonly mac: Uint8Array;
}

export function objects(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? (value as readonly JsonObject[]) : [];
}

export function texts(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? (value as readonly string[]) : [];
}

function text(value: Json | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function number(value: Json | undefined, usual: number): number {
  return typeof value === "number" ? value : usual;
}

/** A locally administered MAC address that is always the same for a port of that name. */
function derivedMac(instance: string, port: string): Uint8Array {
  const bytes = new Uint8Array(createHash("sha256").update(`${instance} ${port}`).digest().subarray(0, 6));
  bytes[0] = (bytes[0]! & 0xfc) | 2;
  return bytes;
}

/** Whether the kernel's addresses, routes and neighbours are those of the router. */
export function followsKernel({ config }: Pick<InstanceView, "config">): boolean {
  return config["mode"] === "host";
}

/** How a port of the graph is made one of the router. */
interface PortSetting {
  readonly instance: string;
  readonly icmpRate: number;
  readonly isHost: boolean;
}

function portOf(port: InstancePort, { instance, icmpRate, isHost }: PortSetting): RouterPort {
  const { name, number: place, config } = port;
  const device = isHost ? port.outer?.found : port.device;
  const own = parseMac(text(config["mac"]) ?? "") ?? parseMac(device?.mac ?? "");
  const mac = own?.some((byte) => byte !== 0) ? own : derivedMac(instance, name);
  return {
    name,
    number: place,
    mac,
    mtu: number(config["mtu"], port.mtu ?? usualMtu),
    addresses: texts(config["addresses"]).map((address) => parseInterface(address)!),
    linkLocal: linkLocalOf(mac),
    icmpRate,
    device: (isHost && device?.ifindex) || 0,
  };
}

/** The ports of an instance that passed `check`. */
export function routerPorts({ name, ports, config }: InstanceView): readonly RouterPort[] {
  const icmpRate = number(config["icmpRate"], usualIcmpRate);
  const isHost = followsKernel({ config });
  return ports.map((port) => portOf(port, { instance: name, icmpRate, isHost }));
}

export function routeOf(entry: JsonObject): ConfiguredRoute | undefined {
  const prefix = parsePrefix(text(entry["prefix"]) ?? "");
  if (!prefix) return undefined;
  const via = text(entry["via"]);
  const refuse = entry["blackhole"] === true ? "blackhole" : entry["prohibit"] === true ? "prohibit" : undefined;
  return {
    prefix,
    metric: metricOf(entry),
    via: via === undefined ? undefined : parseAddress(via),
    port: text(entry["port"]),
    refuse,
  };
}

export function metricOf(entry: JsonObject): number {
  return number(entry["metric"], 0);
}

/** Where a route leads, as the configuration writes it: equal texts are one next hop. */
export function hopTextOf(entry: JsonObject): string {
  if (entry["blackhole"] === true) return "blackhole";
  if (entry["prohibit"] === true) return "prohibit";
  return `${text(entry["via"]) ?? ""} ${text(entry["port"]) ?? ""}`;
}

/** All that a route says, whether it is right or not: what tells one from others. */
export function routeText(entry: JsonObject): string {
  const { prefix, via, port, blackhole, prohibit } = entry;
  return JSON.stringify([prefix, metricOf(entry), via, port, blackhole, prohibit]);
}

/** The routes of an instance that passed `check`. */
export function configuredRoutes({ config }: Pick<InstanceView, "config">): readonly ConfiguredRoute[] {
  return objects(config["routes"]).map((entry) => routeOf(entry)!);
}

export function staticNeighbours({ config }: Pick<InstanceView, "config">): readonly StaticNeighbour[] {
  return objects(config["neighbours"]).map((entry) => ({
    port: text(entry["port"]) ?? "",
    address: parseAddress(text(entry["address"]) ?? "")!,
    mac: parseMac(text(entry["mac"]) ?? "")!,
  }));
}
