/** Looks for neighbours, and asks again those that were not heard of for a while: RFC 1122, 2.3.2; RFC 4861, 7.3. */
import type { HostContext } from "../../engine/host/host-side.ts";
import type { Ticks } from "../../engine/host/ticks.ts";
import { contains, type Family, familyOf, isLinkLocal } from "./addresses.ts";
import type { RouterPort } from "./configuration.ts";
import { arpRequest, neighbourSolicitation } from "./frames.ts";
import {
  keyOf,
  type Neighbour,
  type NeighbourMap,
  neighbourMaps,
  type Place,
  placeOf,
  placeText,
  states,
} from "./neighbours.ts";

/** Packets that wait for a neighbour; of more, the oldest go. */
const mostWaiting = 16;
/** Neighbours that are looked for at once. */
const mostPending = 1024;
const mostTries = 3;
export const secondsBetweenTries = 1;
/** How long a neighbour that did not answer is not looked for again. */
const secondsFailed = 3;
/** RFC 4861, section 10: REACHABLE_TIME. */
const secondsReachable = 30;
/** Nothing was sent to it for so long: it is forgotten. */
const secondsUnused = 60;

/** A packet that waits, with the port that it came in on. */
export interface Waiting {
  readonly port: number;
  readonly frame: Uint8Array;
}

interface Pending {
  readonly place: Place;
  readonly waiting: Waiting[];
  tries: number;
  lastTry: bigint;
}

export interface ResolverOptions {
  readonly context: HostContext;
  readonly ticks: Ticks;
  ports(): readonly RouterPort[];
  /** It did not answer: what becomes of packets that waited. */
  unreachable(waiting: readonly Waiting[]): void;
}

export class Resolver {
  readonly #options: ResolverOptions;
  readonly #pending = new Map<string, Pending>();
  /** How often stale neighbours were asked, by place. */
  readonly #probes = new Map<string, number>();

  constructor(options: ResolverOptions) {
    this.#options = options;
  }

  /** A packet waits for the neighbour, which is looked for. */
  wait(place: Place, waiting: Waiting): void {
    const key = placeText(place);
    let pending = this.#pending.get(key);
    if (!pending) {
      if (this.#pending.size >= mostPending) return;
      pending = { place, waiting: [], tries: 0, lastTry: 0n };
      this.#pending.set(key, pending);
      this.#ask(pending);
    }
    pending.waiting.push(waiting);
    if (pending.waiting.length > mostWaiting) pending.waiting.shift();
    this.#deliver(pending);
  }

  /** Lets packets go on whose neighbour answered, in the order in which they came. */
  deliverAll(): void {
    for (const pending of [...this.#pending.values()]) this.#deliver(pending);
  }

  /** Asks again, and gives up. To be called several times a second. */
  retry(): void {
    this.deliverAll();
    const now = this.#options.ticks.now();
    for (const pending of [...this.#pending.values()]) {
      if (now - pending.lastTry < this.#seconds(secondsBetweenTries)) continue;
      if (pending.tries < mostTries) this.#ask(pending);
      else this.#giveUp(pending);
    }
  }

  /** Asks neighbours that are in use and forgets others. To be called once a second. */
  age(): void {
    for (const family of [4, 6] as const) {
      const map = this.#map(family);
      for (const [key, neighbour] of [...map.entries()]) this.#ageOne(map, placeOf(key), neighbour);
    }
  }

  /** Forgets neighbours of ports and networks that are no more. */
  prune(): void {
    const ports = new Map(this.#options.ports().map((port) => [port.number, port]));
    for (const family of [4, 6] as const) {
      const map = this.#map(family);
      for (const [key] of [...map.entries()]) {
        const { port, address } = placeOf(key);
        const own = ports.get(port);
        const stays = own && (isLinkLocal(address) || own.addresses.some((prefix) => contains(prefix, address)));
        if (!own || !stays) map.delete(key);
      }
    }
  }

  #map(family: Family): NeighbourMap {
    return this.#options.context.map(neighbourMaps[family]) as NeighbourMap;
  }

  #seconds(count: number): bigint {
    return BigInt(count * this.#options.ticks.perSecond);
  }

  #ask(pending: Pending): void {
    pending.tries++;
    pending.lastTry = this.#options.ticks.now();
    this.#solicit(pending.place);
  }

  #solicit({ port: number, address }: Place, station?: Uint8Array): void {
    const port = this.#options.ports().find((one) => one.number === number);
    if (!port) return;
    const { mac } = port;
    const isIpv4 = address.length === 4;
    const own = port.addresses.find((prefix) => contains(prefix, address))?.address;
    const usual = isIpv4 ? port.addresses.find((prefix) => prefix.address.length === 4)?.address : port.linkLocal;
    const asker = { mac, address: own ?? usual ?? new Uint8Array(4) };
    const frame = (isIpv4 ? arpRequest : neighbourSolicitation)(asker, address, station);
    this.#options.context.send(number, frame);
  }

  #deliver(pending: Pending): void {
    const known = this.#map(familyOf(pending.place.address)).get(keyOf(pending.place));
    if (!known || known.state < states.reachable) return;
    this.#pending.delete(placeText(pending.place));
    for (const { port, frame } of pending.waiting) this.#options.context.inject(port, frame);
  }

  #giveUp(pending: Pending): void {
    const { place, waiting } = pending;
    const map = this.#map(familyOf(place.address));
    const known = map.get(keyOf(place));
    this.#pending.delete(placeText(place));
    if (known?.state === states.incomplete) {
      const confirmed = this.#options.ticks.now();
      map.set(keyOf(place), { ...known, state: states.failed, confirmed }, "replace");
    }
    this.#options.unreachable(waiting);
  }

  #ageOne(map: NeighbourMap, place: Place, neighbour: Neighbour): void {
    const key = placeText(place);
    const now = this.#options.ticks.now();
    const silent = now - neighbour.confirmed;
    if (neighbour.state < states.reachable) {
      if (silent >= this.#seconds(secondsFailed) && !this.#pending.has(key)) map.delete(keyOf(place));
      return;
    }
    if (silent < this.#seconds(secondsReachable) && neighbour.state === states.reachable) {
      this.#probes.delete(key);
      return;
    }
    const probes = this.#probes.get(key) ?? 0;
    if (now - neighbour.used >= this.#seconds(secondsUnused) || probes >= mostTries) {
      this.#probes.delete(key);
      map.delete(keyOf(place));
    } else if (neighbour.used >= neighbour.confirmed || neighbour.state === states.stale) {
      this.#probes.set(key, probes + 1);
      this.#solicit(place, neighbour.mac);
    }
  }
}
