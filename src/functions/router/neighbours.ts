/** The neighbours in the kernel's maps: kernel/tables.ts has their layout. */
import type { TypedMap } from "../../engine/typed-map.ts";
import { type Family, familyOf, fromNumber, fromWords, numberOf, wordsOf } from "./addresses.ts";

export const states = { incomplete: 0, failed: 1, reachable: 2, stale: 3 } as const;

export interface Neighbour {
  readonly mac: Uint8Array;
  readonly state: number;
  readonly unused: number;
  readonly confirmed: bigint;
  readonly used: bigint;
  readonly punts: number;
  readonly unused2: number;
}

/** Where a neighbour is: its port's number and its address. */
export interface Place {
  readonly port: number;
  readonly address: Uint8Array;
}

export type NeighbourKey =
  | { readonly address: number; readonly port: number }
  | { readonly high: bigint; readonly low: bigint; readonly port: bigint };
export type NeighbourMap = TypedMap<NeighbourKey, Neighbour>;

export const neighbourMaps = { 4: "neighbours4", 6: "neighbours6" } as const satisfies Record<Family, string>;

export function keyOf({ port, address }: Place): NeighbourKey {
  if (familyOf(address) === 4) return { address: numberOf(address), port };
  return { ...wordsOf(address), port: BigInt(port) };
}

export function placeOf(key: NeighbourKey): Place {
  if ("address" in key) return { port: key.port, address: fromNumber(key.address) };
  return { port: Number(key.port), address: fromWords(key.high, key.low) };
}

export function placeText({ port, address }: Place): string {
  return `${port} ${address.join(".")}`;
}
