import { FaultReason } from "../fault.ts";
import type { Machine } from "../machine.ts";
import type { VmMap } from "./map.ts";
import { MapFlag } from "./spec.ts";

/** Each map has an empty region per run: its address stands for the map, and a load from it faults. */
const tokens = new WeakMap<VmMap, Uint8Array>();
const mapsByToken = new WeakMap<Uint8Array, VmMap>();

/** The address by which a program names the map. */
export function mapAddress(m: Machine, map: VmMap): bigint {
  let token = tokens.get(map);
  if (token === undefined) {
    token = new Uint8Array(0);
    tokens.set(map, token);
    mapsByToken.set(token, map);
  }
  return m.memory.addOnce(`map ${map.spec.name}`, token, { writable: false });
}

/** The map that the program names by the address. Throws {@link FaultReason}. */
export function mapAt(m: Machine, address: bigint): VmMap {
  const region = m.memory.regionAt(address);
  const map = region === undefined ? undefined : mapsByToken.get(region.bytes);
  if (map === undefined) {
    throw new FaultReason(`0x${address.toString(16)} is no map`);
  }
  return map;
}

/** The address of a live value of the map. */
export function valueAddress(m: Machine, map: VmMap, value: Uint8Array): bigint {
  const writable = (map.spec.flags & MapFlag.readOnlyProgram) === 0;
  return m.memory.addOnce(`a value of map ${map.spec.name}`, value, { writable });
}
