import type { InstancePort, InstanceView, Json, JsonObject } from "../../engine/host/host-side.ts";
import { parseMac } from "../../engine/host/table-view.ts";
import { parseVlans, type VlanSet, vlanSet } from "./vlans.ts";

/** Traffic that storm control limits, in the order of the kernel's table. */
export const stormTraffic = ["broadcast", "multicast", "unknown"] as const;
export type StormTraffic = (typeof stormTraffic)[number];

/** Numbers of ports: the low bits of an identity. */
const numberBits = 6;
export const mostPorts = 2 ** numberBits;

/** A port of a switch, worked out. */
export interface SwitchPort {
  readonly name: string;
  readonly number: number;
  readonly identity: number;
  readonly linked: boolean;
  /** The VLAN of untagged frames; 0: it takes none. */
  readonly untagged: number;
  readonly members: VlanSet;
  readonly access: boolean;
  /** Packets per second. */
  readonly storm: Readonly<Partial<Record<StormTraffic, number>>>;
}

export interface StaticStation {
  readonly mac: Uint8Array;
  readonly vlan: number;
  /** Undefined: what it sends and what is sent to it is dropped. */
  readonly port: string | undefined;
}

/** Frames to 01:80:c2:00:00:0x that may be let through, by what people call them. 01 is never forwarded: 802.3, 31A. */
export const linkLocalProtocols = { stp: 0x0, lacp: 0x2, eapol: 0x3, lldp: 0xe } as const;

export const usualAgeing = 300;
export const usualVlan = 1;

function text(value: Json | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function number(value: Json | undefined, usual: number): number {
  return typeof value === "number" ? value : usual;
}

export function objects(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? (value as readonly JsonObject[]) : [];
}

export function isTrunk(config: JsonObject): boolean {
  return config["mode"] === "trunk";
}

/** @throws BadVlans */
export function allowedVlans(config: JsonObject): VlanSet {
  return isTrunk(config) ? parseVlans(text(config["allowed"]) ?? "all") : vlanSet([accessVlan(config)]);
}

function accessVlan(config: JsonObject): number {
  return number(config["vlan"], usualVlan);
}

/** The VLAN of a port's untagged frames; 0 for none. */
export function untaggedVlan(config: JsonObject): number {
  return isTrunk(config) ? number(config["native"], 0) : accessVlan(config);
}

/** The ports of an instance that passed `check`. */
export function switchPorts({ ports }: InstanceView): readonly SwitchPort[] {
  return ports.map((port) => ({
    name: port.name,
    number: port.number,
    identity: identityOf(port),
    linked: port.linked,
    untagged: untaggedVlan(port.config),
    members: allowedVlans(port.config),
    access: !isTrunk(port.config),
    storm: (port.config["storm"] ?? {}) as SwitchPort["storm"],
  }));
}

/**
 * A port's number and, above it, a hash of its name (FNV-1a), never 0: what was learned on a port means nothing for
 * another one that gets its number later.
 */
export function identityOf({ name, number: place }: Pick<InstancePort, "name" | "number">): number {
  let hash = 0x811c_9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x0100_0193);
  const upper = hash >>> numberBits || 1;
  return upper * mostPorts + place;
}

export function portNumber(identity: number): number {
  return identity % mostPorts;
}

/** The static stations of an instance that passed `check`. */
export function staticStations({ config }: Pick<InstanceView, "config">): readonly StaticStation[] {
  return objects(config["static"]).map((entry) => ({
    mac: parseMac(text(entry["mac"]) ?? "")!,
    vlan: number(entry["vlan"], usualVlan),
    port: entry["blackhole"] === true ? undefined : text(entry["port"]),
  }));
}

export function ageingSeconds({ config }: Pick<InstanceView, "config">): number {
  return number(config["ageing"], usualAgeing);
}

export function linkLocalMask({ config }: Pick<InstanceView, "config">): number {
  const names = (Array.isArray(config["linkLocal"]) ? config["linkLocal"] : []) as readonly string[];
  return names.reduce((mask, name) => mask | (1 << linkLocalProtocols[name as keyof typeof linkLocalProtocols]), 0);
}
