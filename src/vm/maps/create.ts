import { ArrayMap } from "./array.ts";
import { DeviceMap } from "./device.ts";
import { HashMap } from "./hash.ts";
import { LpmTrie } from "./lpm-trie.ts";
import type { VmMap } from "./map.ts";
import { MapOfMaps } from "./map-of-maps.ts";
import { PerfEventArray } from "./perf-event-array.ts";
import { ProgArray } from "./prog-array.ts";
import { QueueMap } from "./queue.ts";
import { RingBuffer } from "./ring-buffer.ts";
import { completeSpec, type MapSpec } from "./spec.ts";

/** The class of each map type. */
interface MapClasses {
  hash: HashMap;
  array: ArrayMap;
  prog_array: ProgArray;
  perf_event_array: PerfEventArray;
  percpu_hash: HashMap;
  percpu_array: ArrayMap;
  lru_hash: HashMap;
  lru_percpu_hash: HashMap;
  lpm_trie: LpmTrie;
  array_of_maps: MapOfMaps;
  hash_of_maps: MapOfMaps;
  devmap: DeviceMap;
  cpumap: DeviceMap;
  xskmap: DeviceMap;
  queue: QueueMap;
  stack: QueueMap;
  devmap_hash: DeviceMap;
  ringbuf: RingBuffer;
}

type MapFor<T> = T extends keyof MapClasses ? MapClasses[T] : VmMap;

/**
 * Makes a map of the machine. `cpus` is the number of CPUs that per-CPU maps have values for (default 1). Throws
 * `E_USAGE` where BPF_MAP_CREATE would give EINVAL.
 */
export function createMap<const S extends MapSpec>(
  spec: S,
  options: { readonly cpus?: number } = {},
): MapFor<S["type"]> {
  const map = construct(spec, options.cpus ?? 1);
  if (spec.contents) map.update(new Uint8Array(spec.keySize), spec.contents);
  return map as MapFor<S["type"]>;
}

function construct(given: MapSpec, cpus: number): VmMap {
  const spec = completeSpec(given);
  switch (spec.type) {
    case "array":
    case "percpu_array":
      return new ArrayMap(spec, cpus);
    case "hash":
    case "percpu_hash":
    case "lru_hash":
    case "lru_percpu_hash":
      return new HashMap(spec, cpus);
    case "lpm_trie":
      return new LpmTrie(spec);
    case "queue":
    case "stack":
      return new QueueMap(spec);
    case "ringbuf":
      return new RingBuffer(spec);
    case "devmap":
    case "devmap_hash":
    case "cpumap":
    case "xskmap":
      return new DeviceMap(spec);
    case "prog_array":
      return new ProgArray(spec);
    case "array_of_maps":
    case "hash_of_maps":
      return new MapOfMaps(spec);
    case "perf_event_array":
      return new PerfEventArray(spec);
  }
}
