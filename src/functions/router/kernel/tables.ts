/** What the router knows: filled by its host side from the configuration, or learned (the neighbours). */
import { array, arrayMap, bytes, hash, spinLock, struct, type TypeOf, u8, u16, u32, u64 } from "iovisor/kernel";

export const maximumPorts = 64;

export const Port = struct({
  mac: bytes(6),
  /** 0: the port has no configuration. */
  enabled: u8,
  unused: u8,
  /** Greatest packet that may go out, without its Ethernet header. */
  mtu: u32,
  /** ICMP errors that packets from here may cause in a second. */
  icmpRate: u32,
  /** Its IPv6 link-local address. */
  linkLocalHigh: u64,
  linkLocalLow: u64,
  /** In host mode, index of the device that it leads to; else 0. */
  device: u32,
  unused2: u32,
});
export type Port = TypeOf<typeof Port>;
export const portTable = arrayMap({ value: Port, maxEntries: maximumPorts, show: "hidden" });

/** What becomes of packets to a prefix. Number 0 is what an address without a route gets. */
export const HopKind = {
  none: 0,
  connected: 1,
  gateway: 2,
  group: 3,
  local: 4,
  broadcast: 5,
  blackhole: 6,
  prohibited: 7,
} as const;

export const NextHop = struct({
  kind: u8,
  port: u8,
  unused: u16,
  /** For groups: the first of `buckets` next hops that flows are spread over. */
  first: u32,
  /** Of a gateway, as a number; IPv4 addresses are in `low`. */
  high: u64,
  low: u64,
});
export type NextHop = TypeOf<typeof NextHop>;
export const buckets = 64;
export const nextHops = arrayMap({ value: NextHop, maxEntries: 64, show: "hidden" });

/**
 * A trie. Addresses that agree in their first bits share a slot. A slot, and an entry of a node, holds a next hop, 0
 * for the default route, or with its highest bit set a node, which decides about six bits more: bit i of `starts` is
 * set where the entry for the value i differs from the one for i - 1, so that equal neighbours share an entry.
 *
 * Each slot is there twice: packets go by the one that `routeVersion` says, and the next version is made in the other,
 * with nodes and entries that no packet finds before.
 */
export const Node = struct({ starts: u64, base: u32, unused: u32 });
export const isNode = 0x8000_0000;
const Pair = array(u32, 2);

export const slotBits4 = 18;
export const slots4 = arrayMap({ value: Pair, maxEntries: 1 << slotBits4, show: "hidden" });
export const nodes4 = arrayMap({ value: Node, maxEntries: 64, show: "hidden" });
/** Two of them in the eight bytes that an element of an array takes at least. */
export const entries4 = arrayMap({ value: Pair, maxEntries: 64, show: "hidden" });

export const slotBits6 = 16;
export const slots6 = arrayMap({ value: Pair, maxEntries: 1 << slotBits6, show: "hidden" });
export const nodes6 = arrayMap({ value: Node, maxEntries: 64, show: "hidden" });
export const entries6 = arrayMap({ value: Pair, maxEntries: 64, show: "hidden" });

/** Next hops of the default routes: of IPv4, of IPv6. Twice, as slots are. */
export const defaults = arrayMap({ value: Pair, maxEntries: 2, show: "hidden" });

/** A number that goes up with each version of the routes: odd ones have the second of slots and defaults. */
export const routeVersion = arrayMap({ value: u32, maxEntries: 1, show: "hidden" });

/** From `reachable` on packets can be sent to it. */
export const State = { incomplete: 0, failed: 1, reachable: 2, stale: 3 } as const;

export const Neighbour = struct({
  mac: bytes(6),
  state: u8,
  unused: u8,
  /** The tick when it was last known to be there; of an incomplete one, when a packet went to the host side. */
  confirmed: u64,
  /** The tick when a packet was last sent to it, to within a second. */
  used: u64,
  /** Packets that went to the host side while it is incomplete. */
  punts: u32,
  unused2: u32,
});
export type Neighbour = TypeOf<typeof Neighbour>;

export const Neighbour4 = struct({ address: u32, port: u32 });
export type Neighbour4 = TypeOf<typeof Neighbour4>;
export const Neighbour6 = struct({ high: u64, low: u64, port: u64 });
export type Neighbour6 = TypeOf<typeof Neighbour6>;
const mostNeighbours = 16_384;
export const neighbours4 = hash({ key: Neighbour4, value: Neighbour, maxEntries: mostNeighbours, title: "ARP" });
export const neighbours6 = hash({ key: Neighbour6, value: Neighbour, maxEntries: mostNeighbours, title: "ND" });
export const statics4 = hash({ key: Neighbour4, value: bytes(6), maxEntries: 4096, show: "hidden" });
export const statics6 = hash({ key: Neighbour6, value: bytes(6), maxEntries: 4096, show: "hidden" });

/** A token bucket. A packet costs as many units as a second has ticks, so that rates need no fractions. */
export const Meter = struct({ lock: spinLock, unused: u32, units: u64, updated: u64 });
export const meters = arrayMap({ value: Meter, maxEntries: maximumPorts, show: "hidden" });

/** Host mode: the ports by the index of the device that they lead to. */
export const devicePorts = hash({ key: u32, value: u32, maxEntries: maximumPorts, show: "hidden" });

/** Host mode: packets that were left to the kernel's stack, by the reason. */
export const LeftCounts = struct({
  unreachable: u64,
  prohibited: u64,
  localOrNoRoute: u64,
  forwardingDisabled: u64,
  tunnel: u64,
  noNeighbour: u64,
  tooBig: u64,
  /** The kernel did not take the question: the port's device is gone. */
  deviceGone: u64,
  notForRouter: u64,
  header: u64,
  address: u64,
  hopLimit: u64,
  otherDevice: u64,
  neighbourCheck: u64,
  sourceCheck: u64,
});
export type LeftCounts = TypeOf<typeof LeftCounts>;
export const toKernel = arrayMap({
  value: LeftCounts,
  maxEntries: 1,
  title: "Packets left to the kernel's stack, by the reason",
});

/** When a packet to neighbours of a slot was last left to the kernel, so that it sees that they are in use. */
export const checkSlots = 1024;
export const checks = arrayMap({ value: struct({ period: u32 }), maxEntries: checkSlots, show: "hidden" });
