/** A model of the kernel's routing, as far as `bpf_fib_lookup` shows it (net/core/filter.c). */
import { Errno } from "./errno.ts";

/** One route with its resolved neighbour, as `bpf_fib_lookup` reports them. */
export interface FibRoute {
  /** Network address: 4 bytes (IPv4) or 16 (IPv6). */
  readonly network: Uint8Array;
  /** Bits of the network. */
  readonly length: number;
  readonly ifindex: number;
  /** Next hop, of either family for IPv4. Default: the destination itself. */
  readonly gateway?: Uint8Array;
  readonly sourceMac?: Uint8Array;
  /** Undefined: the neighbour is not resolved (BPF_FIB_LKUP_RET_NO_NEIGH). */
  readonly destinationMac?: Uint8Array;
  /** Default 1500. */
  readonly mtu?: number;
  readonly metric?: number;
  /** Default "forward". */
  readonly action?: "forward" | "blackhole" | "unreachable" | "prohibit" | "local" | "tunnel";
}

export type FibTable = readonly FibRoute[];

/** What surrounds a lookup. */
export interface FibWorld {
  readonly routes: FibTable;
  /** Undefined for one that is not there. */
  readonly device: (ifindex: number) => FibDevice | undefined;
}

export interface FibDevice {
  readonly mtu: number;
  /** Whether it forwards packets. Default true. */
  readonly forwarding?: boolean;
}

/** How it is asked. */
export interface FibRequest {
  readonly flags: number;
  /** Of the packet in the stack (skb hooks) that is held against the device's MTU where the question has no length. */
  readonly frameLength: number | undefined;
}

/** BPF_FIB_LOOKUP_DIRECT .. MARK. */
const lookupFlags = 0x3f;
const skipNeighbour = 1 << 2;
const families: Readonly<Record<number, number>> = { 2: 4, 10: 16 };
const ipv6 = 10;
/** BPF_FIB_LKUP_RET_*. */
const results = {
  success: 0,
  blackhole: 1,
  unreachable: 2,
  prohibit: 3,
  notForwarded: 4,
  forwardingDisabled: 5,
  unsupportedTunnel: 6,
  noNeighbour: 7,
  tooBig: 8,
} as const;
/** Where `struct bpf_fib_lookup` has its fields, and its size. */
const fields = { family: 0, length: 6, ifindex: 8, metric: 12, destination: 32, vlan: 48, sourceMac: 52, mac: 58 };
const fibLookupSize = 64;
/** Ethernet header and 802.1Q tag. */
const linkBytes = 14 + 4;

/** The route with the longest matching network. */
export function findRoute(table: FibTable, destination: Uint8Array): FibRoute | undefined {
  let best: FibRoute | undefined;
  for (const route of table) {
    if (route.length > (best?.length ?? -1) && matches(route, destination)) {
      best = route;
    }
  }
  return best;
}

function matches(route: FibRoute, destination: Uint8Array): boolean {
  if (route.network.length !== destination.length) {
    return false;
  }
  for (let bit = 0; bit < route.length; bit += 8) {
    const mask = (0xff00 >> Math.min(8, route.length - bit)) & 0xff;
    if (((route.network[bit / 8]! ^ destination[bit / 8]!) & mask) !== 0) {
      return false;
    }
  }
  return true;
}

/** Fills in the bytes of a `struct bpf_fib_lookup` and gives the helper's result. */
export function fibLookup(world: FibWorld, lookup: Uint8Array, request: FibRequest): number {
  const view = new DataView(lookup.buffer, lookup.byteOffset, lookup.byteLength);
  if (lookup.length < fibLookupSize || (request.flags & ~lookupFlags) !== 0) return Errno.EINVAL;
  const addressSize = families[view.getUint8(fields.family)];
  if (addressSize === undefined) return Errno.EAFNOSUPPORT;
  const device = world.device(view.getUint32(fields.ifindex, true));
  if (!device) return Errno.ENODEV;
  if (device.forwarding === false) return results.forwardingDisabled;
  const route = findRoute(world.routes, lookup.slice(fields.destination, fields.destination + addressSize));
  const refusal = refusalOf(route);
  if (route === undefined || refusal !== undefined) return refusal ?? results.notForwarded;
  const length = view.getUint16(fields.length, true);
  const result = leaveBy(route, { lookup, view, flags: request.flags });
  return result === results.success && length === 0 ? holdFrame(world, view, request) : result;
}

/** What bpf_skb_fib_lookup does where no length was asked for: is_skb_forwardable, with room for a tag. */
function holdFrame({ device }: FibWorld, view: DataView, { frameLength }: FibRequest): number {
  const mtu = device(view.getUint32(fields.ifindex, true))?.mtu;
  if (frameLength === undefined || mtu === undefined) return results.success;
  view.setUint16(fields.length, mtu, true);
  return frameLength > mtu + linkBytes ? results.tooBig : results.success;
}

function leaveBy(
  route: FibRoute,
  { lookup, view, flags }: { readonly lookup: Uint8Array; readonly view: DataView; readonly flags: number },
): number {
  const mtu = route.mtu ?? 1500;
  const length = view.getUint16(fields.length, true);
  if (length > mtu) {
    view.setUint16(fields.length, mtu, true);
    return results.tooBig;
  }
  if (route.action === "tunnel") return results.unsupportedTunnel;
  view.setUint32(fields.ifindex, route.ifindex, true);
  view.setUint32(fields.metric, route.metric ?? 0, true);
  lookup.set(route.gateway ?? [], fields.destination);
  if (route.gateway?.length === 16) view.setUint8(fields.family, ipv6);
  if ((flags & skipNeighbour) === 0) {
    if (route.destinationMac === undefined) return results.noNeighbour;
    lookup.set(route.sourceMac ?? new Uint8Array(6), fields.sourceMac);
    lookup.set(route.destinationMac, fields.mac);
  }
  view.setUint32(fields.vlan, 0, true);
  // bpf_fib_set_fwd_params: the MTU takes the place of the length that it was held against.
  if (length > 0) view.setUint16(fields.length, mtu, true);
  return results.success;
}

function refusalOf(route: FibRoute | undefined): number | undefined {
  switch (route?.action ?? "forward") {
    case "blackhole":
      return results.blackhole;
    case "unreachable":
      return results.unreachable;
    case "prohibit":
      return results.prohibit;
    case "local":
      return results.notForwarded;
    case "forward":
    case "tunnel":
      return undefined;
  }
}
