import type { PlainContext } from "./plain.ts";
import type { SkbContext } from "./skb.ts";
import type { XdpContext } from "./xdp.ts";

/** What a program gets in r1. */
export type ProgramContext = XdpContext | SkbContext | PlainContext;

/** What a redirecting helper asked for. */
export interface Redirect {
  readonly kind: "interface" | "peer" | "neighbour" | "map";
  /** Interface index; for a map the one in its value. */
  readonly ifindex: number;
  /** Name of the map. */
  readonly map?: string;
  /** Key in the map; undefined for a broadcast. */
  readonly key?: number;
  /** All targets of a broadcast. */
  readonly broadcast?: readonly number[];
  readonly flags: bigint;
}
