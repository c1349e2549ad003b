/** What JSON can say. Numbers are finite; whole ones beyond 53 bits are written as strings. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** A graph of functions: what a visor is to run. Plain data; `graphDocument` gives the form that people write. */
export interface Graph {
  readonly functions: Readonly<Record<string, Instance>>;
  /** Devices that need more than their name. `deviceOf` knows the others too. */
  readonly devices: Readonly<Record<string, Device>>;
  readonly links: readonly Link[];
}

/** One function of the graph, under a name of its own. */
export interface Instance {
  /** A built-in function, a folder relative to the graph's file (`./dscp-marker`), or an npm package. */
  readonly kind: string;
  readonly config: JsonObject;
  /** Ports with their configuration. Their order counts: it numbers the ports of functions with a dynamic set. */
  readonly ports: Readonly<Record<string, JsonObject>>;
}

export type DeviceHook = "auto" | "xdp" | "tcx";
export const deviceHooks: readonly DeviceHook[] = ["auto", "xdp", "tcx"];

export interface Device {
  /** The kernel's name; with a `*` at its end every device whose name begins so. */
  readonly name: string;
  /** A namespace of `ip netns`; the visor's own when absent. */
  readonly netns?: string;
  readonly hook: DeviceHook;
}

/** Where a link ends: a function's port, a device's wire side (`dev:`) or its stack side (`host:`). */
export type LinkEnd =
  | { readonly kind: "port"; readonly instance: string; readonly port: string }
  | { readonly kind: "dev"; readonly device: string }
  | { readonly kind: "host"; readonly device: string };

/** Joins two ports. Packets pass both ways. */
export interface Link {
  readonly from: LinkEnd;
  readonly to: LinkEnd;
}

/** Names of instances, ports and devices. */
export const namePattern = /^[a-zA-Z][a-zA-Z0-9_-]{0,30}$/;
export const nameRule = "a letter, then up to 30 letters, digits, _ or -";

export const emptyGraph: Graph = { functions: {}, devices: {}, links: [] };

/** The device that an end `dev:NAME` or `host:NAME` means. */
export function deviceOf(graph: Graph, name: string): Device {
  return Object.hasOwn(graph.devices, name) ? graph.devices[name]! : { name, hook: "auto" };
}
