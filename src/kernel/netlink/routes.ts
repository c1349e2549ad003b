/** The routing tables, IPv4 and IPv6. */
import { IovisorError } from "../../errors.ts";
import { AF, NLM_F, RTM } from "./constants.ts";
import { bytesToIp, familyOf, ipToBytes, parsePrefix } from "./ip.ts";
import { getLink, type LinkReference } from "./links.ts";
import { Attributes, bytesAttribute, concat, type NetlinkMessage, u32Attribute } from "./message.ts";
import type { NetlinkSocket } from "./socket.ts";

const HEADER_SIZE = 12;
const NEXT_HOP_HEADER = 8;
const RTA = {
  destination: 1,
  outputLink: 4,
  gateway: 5,
  priority: 6,
  preferredSource: 7,
  multipath: 9,
  table: 15,
  via: 18,
};
const RTNH_F_ONLINK = 4;
const SCOPE = { universe: 0, link: 253, host: 254 } as const;
const ROUTE_TYPES = {
  unicast: 1,
  local: 2,
  broadcast: 3,
  anycast: 4,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
};
const typeNames = new Map(Object.entries(ROUTE_TYPES).map(([name, number]) => [number, name as RouteType]));
/** RTPROT_BOOT is what `ip route add` writes: a route that was set by hand. */
const PROTOCOL_BOOT = 3;
const RTM_F_CLONED = 0x200;
/** The main table. */
export const MAIN_TABLE = 254;
/** The table of the machine's own addresses. */
export const LOCAL_TABLE = 255;

export type RouteType = keyof typeof ROUTE_TYPES;

/** One way to the destination. */
export interface NextHop {
  readonly gateway?: string;
  readonly link?: LinkReference;
  /** Share of the traffic among several, 1 to 256. */
  readonly weight?: number;
  /** Take the gateway as reachable on the link although no prefix of the link covers it. */
  readonly onlink?: boolean;
}

/** A route to set or to remove. `destination` is a prefix, or "default" (IPv4) or "::/0". */
export interface RouteSpec {
  readonly destination: string;
  readonly nextHops?: readonly NextHop[];
  readonly type?: RouteType;
  readonly table?: number;
  /** The metric: of two routes to one prefix the lower wins. */
  readonly priority?: number;
  readonly source?: string;
}

/** A route as the kernel has it. */
export interface Route {
  readonly destination: string;
  readonly type: RouteType;
  readonly table: number;
  readonly priority: number | undefined;
  readonly source: string | undefined;
  readonly nextHops: readonly {
    readonly gateway: string | undefined;
    readonly link: number;
    readonly weight: number;
    readonly onlink: boolean;
  }[];
  /** RTPROT_* number: 2 kernel, 3 boot, 4 static, 16 dhcp, 186 bgp. */
  readonly protocol: number;
}

/** Adds a route, or replaces the one with the same destination, table and priority. */
export function setRoute(socket: NetlinkSocket, spec: RouteSpec): void {
  const flags = NLM_F.create | NLM_F.replace;
  socket.request(`setting the route to ${spec.destination}`, RTM.newRoute, flags, encodeRoute(socket, spec));
}

/** Adds a route; throws E_BUSY if there is one with the same destination, table and priority. */
export function addRoute(socket: NetlinkSocket, spec: RouteSpec): void {
  const flags = NLM_F.create | NLM_F.exclusive;
  socket.request(`adding the route to ${spec.destination}`, RTM.newRoute, flags, encodeRoute(socket, spec));
}

/** Removes a route. */
export function deleteRoute(socket: NetlinkSocket, spec: RouteSpec): void {
  socket.request(`deleting the route to ${spec.destination}`, RTM.delRoute, 0, encodeRoute(socket, spec, true));
}

/** The routes of one table, or of all tables with `table: "all"`; without the kernel's cached exceptions. */
export function listRoutes(socket: NetlinkSocket, options: { readonly table?: number | "all" } = {}): Route[] {
  const wanted = options.table ?? MAIN_TABLE;
  return [AF.inet, AF.inet6]
    .flatMap((family) => socket.dump("listing routes", RTM.getRoute, header(family, 0, 0, 0, 0)))
    .map(decodeRoute)
    .filter((route) => route !== undefined)
    .filter((route) => wanted === "all" || route.table === wanted);
}

function header(family: number, length: number, table: number, scope: number, type: number, flags = 0): Uint8Array {
  const bytes = Uint8Array.of(
    family,
    length,
    0,
    0,
    table > 255 ? 0 : table,
    type === 0 ? 0 : PROTOCOL_BOOT,
    scope,
    type,
  );
  return concat([bytes, new Uint8Array(Uint32Array.of(flags).buffer)]);
}

function encodeRoute(socket: NetlinkSocket, spec: RouteSpec, deleting = false): Uint8Array {
  const { address, length } = parsePrefix(spec.destination === "default" ? "0.0.0.0/0" : spec.destination);
  const family = familyOf(address);
  const table = spec.table ?? MAIN_TABLE;
  const hops = spec.nextHops ?? [];
  const type = spec.type ?? "unicast";
  if (!deleting && type === "unicast" && hops.length === 0) {
    throw new IovisorError(
      "E_USAGE",
      `the route to ${spec.destination} leads nowhere`,
      "give it a next hop or a type such as blackhole",
    );
  }
  const [only] = hops;
  const single = hops.length === 1;
  const attributes = [u32Attribute(RTA.table, table)];
  if (length > 0) attributes.push(bytesAttribute(RTA.destination, ipToBytes(address)));
  if (spec.priority !== undefined) attributes.push(u32Attribute(RTA.priority, spec.priority));
  if (spec.source !== undefined) attributes.push(bytesAttribute(RTA.preferredSource, ipToBytes(spec.source)));
  if (single && only) attributes.push(...hopAttributes(socket, family, only));
  if (hops.length > 1) attributes.push(multipath(socket, family, hops));
  const flags = single && only?.onlink ? RTNH_F_ONLINK : 0;
  return concat([header(family, length, table, scope(type, hops, deleting), ROUTE_TYPES[type], flags), ...attributes]);
}

/** The distance class: a route without a gateway covers neighbours. Deleting, 255 (nowhere) matches any. */
function scope(type: RouteType, hops: readonly NextHop[], deleting: boolean): number {
  if (deleting) return 255;
  if (type === "local") return SCOPE.host;
  if (type !== "unicast") return SCOPE.universe;
  return hops.some((hop) => hop.gateway !== undefined) ? SCOPE.universe : SCOPE.link;
}

function hopAttributes(socket: NetlinkSocket, family: number, hop: NextHop): Uint8Array[] {
  const attributes: Uint8Array[] = [];
  if (hop.gateway !== undefined) attributes.push(gatewayAttribute(family, hop.gateway));
  if (hop.link !== undefined) attributes.push(u32Attribute(RTA.outputLink, getLink(socket, hop.link).index));
  return attributes;
}

/** A gateway of the other family (IPv4 routes over IPv6 neighbours, RFC 8950) goes into RTA_VIA. */
function gatewayAttribute(family: number, gateway: string): Uint8Array {
  const gatewayFamily = familyOf(gateway);
  const bytes = ipToBytes(gateway);
  if (gatewayFamily === family) return bytesAttribute(RTA.gateway, bytes);
  return bytesAttribute(RTA.via, concat([Uint8Array.of(gatewayFamily, 0), bytes]));
}

function multipath(socket: NetlinkSocket, family: number, hops: readonly NextHop[]): Uint8Array {
  return bytesAttribute(
    RTA.multipath,
    concat(
      hops.map((hop) => {
        const attributes = hop.gateway === undefined ? [] : [gatewayAttribute(family, hop.gateway)];
        const body = concat(attributes);
        const head = new Uint8Array(NEXT_HOP_HEADER);
        const view = new DataView(head.buffer);
        view.setUint16(0, NEXT_HOP_HEADER + body.length, true);
        head[2] = hop.onlink ? RTNH_F_ONLINK : 0;
        head[3] = (hop.weight ?? 1) - 1;
        view.setInt32(4, hop.link === undefined ? 0 : getLink(socket, hop.link).index, true);
        return concat([head, body]);
      }),
    ),
  );
}

/** Reads an RTM_NEWROUTE or RTM_DELROUTE message; undefined for cached exceptions and other families. */
export function decodeRoute(message: NetlinkMessage): Route | undefined {
  const { payload } = message;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const [family, length = 0, , , table = 0, protocol = 0, , type = 0] = payload;
  const flags = view.getUint32(8, true);
  if ((family !== AF.inet && family !== AF.inet6) || flags & RTM_F_CLONED) return undefined;
  const attributes = new Attributes(payload, HEADER_SIZE);
  const destination = attributes.bytes(RTA.destination) ?? new Uint8Array(family === AF.inet ? 4 : 16);
  const source = attributes.bytes(RTA.preferredSource);
  const several = attributes.bytes(RTA.multipath);
  return {
    destination: `${bytesToIp(destination)}/${length}`,
    type: typeNames.get(type) ?? "unicast",
    table: attributes.u32(RTA.table) ?? table,
    priority: attributes.u32(RTA.priority),
    source: source && bytesToIp(source),
    nextHops: several ? decodeMultipath(several) : decodeSingle(attributes, flags),
    protocol,
  };
}

function decodeSingle(attributes: Attributes, flags: number): Route["nextHops"] {
  const link = attributes.u32(RTA.outputLink);
  if (link === undefined) return [];
  return [{ gateway: decodeGateway(attributes), link, weight: 1, onlink: (flags & RTNH_F_ONLINK) !== 0 }];
}

function decodeMultipath(bytes: Uint8Array): Route["nextHops"] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const hops: Route["nextHops"][number][] = [];
  for (let at = 0; at + NEXT_HOP_HEADER <= bytes.length; ) {
    const length = view.getUint16(at, true);
    if (length < NEXT_HOP_HEADER) break;
    hops.push({
      gateway: decodeGateway(new Attributes(bytes.subarray(at + NEXT_HOP_HEADER, at + length))),
      link: view.getInt32(at + 4, true),
      weight: view.getUint8(at + 3) + 1,
      onlink: (view.getUint8(at + 2) & RTNH_F_ONLINK) !== 0,
    });
    at += (length + 3) & ~3;
  }
  return hops;
}

function decodeGateway(attributes: Attributes): string | undefined {
  const gateway = attributes.bytes(RTA.gateway) ?? attributes.bytes(RTA.via)?.subarray(2);
  return gateway && bytesToIp(gateway);
}
