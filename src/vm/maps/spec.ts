import { IovisorError } from "../../errors.ts";

/** The map types that the machine has, with their numbers (enum bpf_map_type in include/uapi/linux/bpf.h). */
export const MapType = {
  hash: 1,
  array: 2,
  prog_array: 3,
  perf_event_array: 4,
  percpu_hash: 5,
  percpu_array: 6,
  lru_hash: 9,
  lru_percpu_hash: 10,
  lpm_trie: 11,
  array_of_maps: 12,
  hash_of_maps: 13,
  devmap: 14,
  cpumap: 16,
  xskmap: 17,
  queue: 22,
  stack: 23,
  devmap_hash: 25,
  ringbuf: 27,
} as const;

export type MapTypeName = keyof typeof MapType;

/** BPF_F_* flags of map creation that change what a map does. */
export const MapFlag = {
  readOnlyProgram: 1 << 7,
} as const;

/** Flags of an update (BPF_ANY, BPF_NOEXIST, BPF_EXIST, BPF_F_LOCK). */
export const UpdateFlag = { any: 0, noExist: 1, exist: 2, lock: 4 } as const;

/** What a map is made from, as for BPF_MAP_CREATE. Sizes in bytes. */
export interface MapSpec {
  /** Name or number. */
  readonly type: MapTypeName | number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  /** BPF_F_* bits. Default 0. */
  readonly flags?: number;
  /** For messages. */
  readonly name?: string;
  /** What an array's first value holds from the start. */
  readonly contents?: Uint8Array;
}

/** A spec with every default filled in. */
export interface FullMapSpec {
  readonly type: MapTypeName;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly name: string;
}

export function completeSpec(spec: MapSpec): FullMapSpec {
  const type = typeof spec.type === "string" ? spec.type : nameOfType(spec.type);
  return {
    type,
    keySize: spec.keySize,
    valueSize: spec.valueSize,
    maxEntries: spec.maxEntries,
    flags: spec.flags ?? 0,
    name: spec.name ?? type,
  };
}

/** An `E_USAGE` error about a map. */
export function mapError(spec: { readonly name: string }, problem: string): IovisorError {
  return new IovisorError("E_USAGE", `map ${spec.name}: ${problem}`, "give sizes, counts and bytes that fit the map");
}

function nameOfType(number: number): MapTypeName {
  const name = (Object.keys(MapType) as MapTypeName[]).find((candidate) => MapType[candidate] === number);
  if (name === undefined) {
    throw new IovisorError("E_USAGE", `the machine has no map type ${number}`, "use one of the types in MapType");
  }
  return name;
}
