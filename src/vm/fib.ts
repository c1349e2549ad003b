/** One route with its resolved neighbour, as `bpf_fib_lookup` reports them. */
export interface FibRoute {
  /** Network address: 4 bytes (IPv4) or 16 (IPv6). */
  readonly network: Uint8Array;
  /** Bits of the network. */
  readonly length: number;
  readonly ifindex: number;
  /** Next hop. Default: the destination itself. */
  readonly gateway?: Uint8Array;
  readonly sourceMac?: Uint8Array;
  /** Undefined: the neighbour is not resolved (BPF_FIB_LKUP_RET_NO_NEIGH). */
  readonly destinationMac?: Uint8Array;
  /** Default 1500. */
  readonly mtu?: number;
  readonly metric?: number;
  /** Default "forward". */
  readonly action?: "forward" | "blackhole" | "unreachable" | "prohibit" | "local";
}

export type FibTable = readonly FibRoute[];

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
