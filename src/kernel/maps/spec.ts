/** What a map is, as plain data: no descriptor, no kernel. */
import { readFileSync } from "node:fs";
import { type MapTypeName, mapFlags } from "../sys/constants.ts";

/** A map as declared. Equal specs make equal maps. */
export interface MapSpec {
  /** The kernel keeps the first 15 characters; letters, digits, `_` and `.`. */
  readonly name: string;
  readonly type: MapTypeName;
  /** Bytes; 0 for queues, stacks and ring buffers. */
  readonly keySize: number;
  /** Bytes of one value (of one CPU's value for per-CPU maps); 0 for ring buffers. */
  readonly valueSize: number;
  /** For a ring buffer its size in bytes: a power of two and a multiple of the page size. */
  readonly maxEntries: number;
  /** BPF_F_*; see `mapFlags`. LPM tries get BPF_F_NO_PREALLOC, which they require. */
  readonly flags?: number;
  /** The shape of the inner maps; required for arrays and hashes of maps. */
  readonly inner?: MapSpec;
  /** Type ids of key and value in the BTF object that is given at creation. */
  readonly btf?: { readonly key: number; readonly value: number };
  /** Bloom filters: the number of hash functions. */
  readonly extra?: number;
  /** What an array's first value holds from the start, up to its size. */
  readonly contents?: Uint8Array;
}

const perCpuTypes: ReadonlySet<MapTypeName> = new Set([
  "percpu_hash",
  "percpu_array",
  "lru_percpu_hash",
  "percpu_cgroup_storage",
]);
const arrayTypes: ReadonlySet<MapTypeName> = new Set([
  "array",
  "percpu_array",
  "prog_array",
  "perf_event_array",
  "cgroup_array",
  "array_of_maps",
  "devmap",
  "cpumap",
  "xskmap",
]);

/** True if each CPU has its own value. */
export function isPerCpu(type: MapTypeName): boolean {
  return perCpuTypes.has(type);
}

/** True if keys are indices 0..maxEntries-1. */
export function isArray(type: MapTypeName): boolean {
  return arrayTypes.has(type);
}

/** True if values are other maps. */
export function isMapOfMaps(type: MapTypeName): boolean {
  return type === "array_of_maps" || type === "hash_of_maps";
}

/** The creation flags with those that the type requires. */
export function creationFlags(spec: MapSpec): number {
  return (spec.flags ?? 0) | (spec.type === "lpm_trie" ? mapFlags.noPreallocation : 0);
}

/** The highest number in a list of CPUs ("0-3,8") plus one. */
export function cpuCount(list: string): number {
  const highest = list
    .trim()
    .split(",")
    .map((range) => Number(range.split("-").at(-1)));
  return Math.max(...highest) + 1;
}

let cachedPossibleCpus: number | undefined;

/** How many values a per-CPU map has per key: the kernel's possible CPUs, which can be more than those online. */
export function possibleCpus(): number {
  cachedPossibleCpus ??= cpuCount(readFileSync("/sys/devices/system/cpu/possible", "utf8"));
  return cachedPossibleCpus;
}

/** The distance between two CPUs' values: the kernel rounds up to 8 bytes. */
export function perCpuStride(valueSize: number): number {
  return (valueSize + 7) & ~7;
}

/** How many bytes the kernel reads or writes for one value. */
export function valueBytes(type: MapTypeName, valueSize: number): number {
  return isPerCpu(type) ? perCpuStride(valueSize) * possibleCpus() : valueSize;
}

/** What differs between a declaration and an existing map, in words; undefined when the map fits. */
export function mapDifference(spec: MapSpec, map: Omit<MapSpec, "inner" | "btf">): string | undefined {
  if (spec.type !== map.type) return `type ${map.type} instead of ${spec.type}`;
  if (spec.keySize !== map.keySize) return `keys of ${map.keySize} bytes instead of ${spec.keySize}`;
  if (spec.valueSize !== map.valueSize) return `values of ${map.valueSize} bytes instead of ${spec.valueSize}`;
  if (spec.maxEntries !== map.maxEntries) return `room for ${map.maxEntries} entries instead of ${spec.maxEntries}`;
  const flags = map.flags ?? 0;
  if (creationFlags(spec) !== flags)
    return `flags 0x${flags.toString(16)} instead of 0x${creationFlags(spec).toString(16)}`;
  return undefined;
}
