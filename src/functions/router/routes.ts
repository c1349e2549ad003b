/** The routing table that follows from ports and configured routes. */
import {
  contains,
  type Family,
  familyOf,
  formatPrefix,
  isLinkLocal,
  lastOf,
  networkOf,
  type Prefix,
} from "./addresses.ts";
import type { ConfiguredRoute, RouterPort } from "./configuration.ts";

/** What becomes of a packet. `port` is a number. */
export type NextHop =
  | { readonly kind: "connected"; readonly port: number }
  | { readonly kind: "gateway"; readonly port: number; readonly via: Uint8Array }
  | { readonly kind: "local"; readonly port: number }
  | { readonly kind: "broadcast"; readonly port: number }
  | { readonly kind: "blackhole" | "prohibit" };

export interface Route {
  readonly prefix: Prefix;
  readonly origin: "connected" | "static";
  readonly metric: number;
  /** At least one; flows are spread over several. */
  readonly hops: readonly NextHop[];
}

/** The port that a gateway is reached by: the one whose network has it, the longest prefix first. */
export function portOfGateway(via: Uint8Array, ports: readonly RouterPort[]): RouterPort | undefined {
  let [best, longest]: [RouterPort | undefined, number] = [undefined, -1];
  for (const port of ports) {
    for (const own of port.addresses) {
      if (own.length > longest && contains(own, via)) [best, longest] = [port, own.length];
    }
  }
  return best;
}

/** Undefined for a route whose gateway no port reaches. */
export function hopOf(route: ConfiguredRoute, ports: readonly RouterPort[]): NextHop | undefined {
  if (route.refuse) return { kind: route.refuse };
  const named = ports.find(({ name }) => name === route.port);
  if (!route.via) return named && { kind: "connected", port: named.number };
  const port = named ?? (isLinkLocal(route.via) ? undefined : portOfGateway(route.via, ports));
  return port && { kind: "gateway", port: port.number, via: route.via };
}

function whole(address: Uint8Array): Prefix {
  return { address, length: address.length * 8 };
}

/** The network, the router in it, and for IPv4 its two broadcast addresses (not where there are none: RFC 3021). */
export function connectedRoutes({ number, addresses }: RouterPort): readonly Route[] {
  const route = (prefix: Prefix, hop: NextHop): Route => ({ prefix, origin: "connected", metric: 0, hops: [hop] });
  return addresses.flatMap((own) => {
    const network = networkOf(own);
    const hasBroadcast = own.address.length === 4 && own.length < 31;
    const broadcasts = hasBroadcast ? [whole(network), whole(lastOf(own))] : [];
    return [
      route({ address: network, length: own.length }, { kind: "connected", port: number }),
      ...broadcasts.map((prefix) => route(prefix, { kind: "broadcast", port: number })),
      route(whole(own.address), { kind: "local", port: number }),
    ];
  });
}

function sameHop(left: NextHop, right: NextHop): boolean {
  return hopKey(left) === hopKey(right);
}

export function hopKey(hop: NextHop): string {
  const port = "port" in hop ? hop.port : "";
  return `${hop.kind} ${port} ${hop.kind === "gateway" ? hop.via.join(".") : ""}`;
}

/** Which of two routes to a prefix is better: what the router is itself, then networks, then the lower metric. */
export function rank({ origin, metric, hops: [hop] }: Route): number {
  if (hop?.kind === "local") return -3;
  if (hop?.kind === "broadcast") return -2;
  return origin === "connected" ? -1 : metric;
}

/** One route for each prefix. Equally good static ones share it. */
export function routingTable(ports: readonly RouterPort[], configured: readonly ConfiguredRoute[]): readonly Route[] {
  const best = new Map<string, Route>();
  const offer = (route: Route): void => {
    const key = formatPrefix(route.prefix);
    const known = best.get(key);
    if (!known || rank(route) < rank(known)) best.set(key, route);
    else if (rank(route) === rank(known) && route.origin === "static") {
      const added = route.hops.filter((hop) => !known.hops.some((other) => sameHop(hop, other)));
      best.set(key, { ...known, hops: [...known.hops, ...added] });
    }
  };
  for (const port of ports) for (const route of connectedRoutes(port)) offer(route);
  for (const route of configured) {
    const hop = hopOf(route, ports);
    if (hop) offer({ prefix: route.prefix, origin: "static", metric: route.metric, hops: [hop] });
  }
  return [...best.values()];
}

export function routesOf(table: readonly Route[], family: Family): readonly Route[] {
  return table.filter(({ prefix }) => familyOf(prefix.address) === family);
}
