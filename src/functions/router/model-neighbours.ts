import { type Place, placeText } from "./neighbours.ts";

interface ModelNeighbour {
  mac: Uint8Array;
  state: "incomplete" | "failed" | "reachable" | "stale";
  confirmed: bigint;
  used: bigint;
  punts: number;
}

/** Packets of a neighbour that is looked for: the first go up, then one in a tenth of a second. */
const firstPunts = 16;

/** What a router knows of its neighbours: RFC 826; RFC 4861, section 5.1. */
export class ModelNeighbours {
  readonly entries = new Map<string, ModelNeighbour>();

  has(place: Place): boolean {
    return this.entries.has(placeText(place));
  }

  get(place: Place): ModelNeighbour | undefined {
    return this.entries.get(placeText(place));
  }

  /** The neighbour's MAC, or what becomes of a packet to it. */
  use(place: Place, ticks: bigint, ticksPerSecond: number) {
    const key = placeText(place);
    const resolve = { kind: "punt", reason: "resolve" } as const;
    const known = this.entries.get(key);
    if (!known) {
      const mac = new Uint8Array(6);
      this.entries.set(key, { mac, state: "incomplete", confirmed: ticks, used: ticks, punts: 1 });
      return resolve;
    }
    if (known.state === "failed") return "unreachable" as const;
    if (known.state !== "incomplete") {
      if (ticks - known.used >= BigInt(ticksPerSecond)) known.used = ticks;
      return known.mac;
    }
    if (known.punts < firstPunts) {
      known.punts++;
      return resolve;
    }
    if (ticks - known.confirmed < BigInt(ticksPerSecond) / 10n) return { kind: "drop", reason: "resolving" } as const;
    known.confirmed = ticks;
    return resolve;
  }

  /** Gives whether packets waited for it. */
  learn(place: Place, mac: Uint8Array, state: "reachable" | "stale", ticks: bigint): boolean {
    const key = placeText(place);
    const known = this.entries.get(key);
    const waited = known !== undefined && known.state !== "reachable" && known.state !== "stale";
    const isSame = known && !waited && Buffer.compare(known.mac, mac) === 0;
    const punts = isSame ? known.punts : 0;
    this.entries.set(key, { mac: mac.slice(), state, confirmed: ticks, used: known?.used ?? ticks, punts });
    return waited;
  }
}
