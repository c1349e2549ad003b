/** Longest prefix match by a hash for each prefix length (RFC 1812, section 5.2.4.3). */
import { networkOf } from "./addresses.ts";
import { flowOf4, flowOf6 } from "./flow.ts";
import { bucketsOf } from "./hop-numbers.ts";
import type { NextHop, Route } from "./routes.ts";

function keyOf(network: Uint8Array): string {
  return Buffer.from(network).toString("latin1");
}

export class RouteLookup {
  readonly #byLength = new Map<string, Map<string, Route>>();
  readonly #lengths: readonly number[];
  readonly #buckets = new Map<Route, readonly NextHop[]>();

  constructor(table: readonly Route[]) {
    for (const route of table) {
      const { address, length } = route.prefix;
      const key = `${address.length} ${length}`;
      const routes = this.#byLength.get(key) ?? new Map<string, Route>();
      routes.set(keyOf(address), route);
      this.#byLength.set(key, routes);
    }
    this.#lengths = [...new Set(table.map(({ prefix }) => prefix.length))].toSorted((left, right) => right - left);
  }

  find(address: Uint8Array): Route | undefined {
    for (const length of this.#lengths) {
      const routes = this.#byLength.get(`${address.length} ${length}`);
      const found = routes?.get(keyOf(networkOf({ address, length })));
      if (found) return found;
    }
    return undefined;
  }

  /** The next hop of a packet, from its IP header on. */
  hopOf(ip: Uint8Array): NextHop | undefined {
    const isIpv4 = ip[0]! >> 4 === 4;
    const route = this.find(isIpv4 ? ip.subarray(16, 20) : ip.subarray(24, 40));
    if (!route || route.hops.length === 1) return route?.hops[0];
    const view = new DataView(ip.buffer, ip.byteOffset, ip.byteLength);
    const spread = this.#buckets.get(route) ?? bucketsOf(route.hops);
    this.#buckets.set(route, spread);
    return spread[Number((isIpv4 ? flowOf4(view) : flowOf6(view)) % BigInt(spread.length))];
  }
}
