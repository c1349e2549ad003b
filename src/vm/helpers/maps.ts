import { Errno } from "../errno.ts";
import { FaultReason } from "../fault.ts";
import { FUNCTION_HIGH, type Machine } from "../machine.ts";
import { mapAddress, mapAt, valueAddress } from "../maps/address.ts";
import type { VmMap } from "../maps/map.ts";
import { MapOfMaps } from "../maps/map-of-maps.ts";
import { QueueMap } from "../maps/queue.ts";
import { arg, argU32, type HelperTable } from "./helper.ts";

export const mapHelpers: HelperTable = {
  map_lookup_elem: (m) => lookup(m, m.environment.cpu),
  map_lookup_percpu_elem: (m) => lookup(m, argU32(m, 3)),
  map_update_elem: (m) => {
    const map = mapAt(m, arg(m, 1));
    const key = m.memory.read(arg(m, 2), map.spec.keySize);
    const value = m.memory.read(arg(m, 3), map.spec.valueSize);
    return droppingTimers(m, map, key, () => map.put(key, value, flagsOf(m, 4), m.environment.cpu));
  },
  map_delete_elem: (m) => {
    const map = mapAt(m, arg(m, 1));
    const key = m.memory.read(arg(m, 2), map.spec.keySize);
    return droppingTimers(m, map, key, () => map.remove(key));
  },
  map_push_elem: (m) => {
    const map = queueAt(m);
    return map.push(m.memory.read(arg(m, 2), map.spec.valueSize), flagsOf(m, 3));
  },
  map_pop_elem: (m) => take(m, (map) => map.pop()),
  map_peek_elem: (m) => take(m, (map) => map.peek()),
  for_each_map_elem: (m) => forEach(m),
};

/** A change that replaces or removes an entry cancels the timers in its value (bpf_obj_free_fields). */
function droppingTimers(m: Machine, map: VmMap, key: Uint8Array, change: () => number): number {
  const { timers, cpu } = m.environment;
  const before = timers.any ? map.find(key, cpu) : undefined;
  const result = change();
  if (before !== undefined && result === 0) timers.drop(before);
  return result;
}

function lookup(m: Machine, cpu: number): bigint {
  const map = mapAt(m, arg(m, 1));
  const key = m.memory.read(arg(m, 2), map.spec.keySize);
  if (map instanceof MapOfMaps) {
    const inner = map.mapFor(key);
    return inner === undefined ? 0n : mapAddress(m, inner);
  }
  const value = map.find(key, cpu);
  return value === undefined ? 0n : valueAddress(m, map, value);
}

function queueAt(m: Machine): QueueMap {
  const map = mapAt(m, arg(m, 1));
  if (!(map instanceof QueueMap)) {
    throw new FaultReason(`map ${map.spec.name} is neither a queue nor a stack`);
  }
  return map;
}

/** An empty map leaves zeros in the buffer (queue_stack_map, kernel/bpf/queue_stack_maps.c). */
function take(m: Machine, from: (map: QueueMap) => Uint8Array | undefined): number {
  const map = queueAt(m);
  const target = m.memory.write(arg(m, 2), map.spec.valueSize);
  const value = from(map);
  if (value === undefined) {
    target.fill(0);
    return Errno.ENOENT;
  }
  target.set(value);
  return 0;
}

/** Calls `callback(map, key, value, context)` until it returns 1; gives the number of calls. */
function forEach(m: Machine): number {
  const map = mapAt(m, arg(m, 1));
  const [callback, context] = [functionAt(m, 2), arg(m, 3)];
  if (arg(m, 4) !== 0n) {
    return Errno.EINVAL;
  }
  const { code } = m;
  let count = 0;
  for (const [key, value] of map.elements(m.environment.cpu)) {
    const keyAddress = m.memory.add("the callback's key", key, { writable: false });
    count++;
    const result = m.call(code, callback, [mapAddress(m, map), keyAddress, valueAddress(m, map, value), context]);
    m.memory.remove(keyAddress);
    if (result !== 0n) {
      break;
    }
  }
  return count;
}

/** Slot of the function whose address is argument `n`. */
export function functionAt(m: Machine, n: number): number {
  if (m.u32[n * 2 + 1] !== FUNCTION_HIGH || m.code.instructionAt(argU32(m, n)) === undefined) {
    throw new FaultReason(`argument ${n} is no function`);
  }
  return argU32(m, n);
}

/** Flags beyond 32 bits are as wrong as any unknown flag. */
function flagsOf(m: Machine, n: number): number {
  return m.u32[n * 2 + 1] === 0 ? argU32(m, n) : 0xffff;
}
