import { type Layout, sizeOf } from "../layout.ts";
import { mapKinds } from "../map-kinds.ts";
import { packetRecordFault } from "../packet-record.ts";
import type { MapDeclaration, Module } from "../tree.ts";
import { type Report, under } from "./shape.ts";

/** BPF_F_* that make sense at creation: all below BPF_F_TOKEN_FD (include/uapi/linux/bpf.h). */
const knownFlags = 2 ** 20 - 1;
/** A key lies on the stack while a map is asked (MAX_BPF_STACK). */
const maxKeySize = 512;
/** PCPU_MIN_UNIT_SIZE: the greatest value of a per-CPU map. */
const maxPerCpuValue = 32768;
/** kernel/bpf/lpm_trie.c: LPM_DATA_SIZE_MAX, behind the prefix length. */
const maxPrefixKey = 4 + 256;
const pageSize = 4096;
/** A map takes at most this much memory per entry kind; the kernel has the last word. */
const maxTotalSize = 2 ** 40;

/** Holds the declarations of maps against what their kinds are. */
export function verifyMaps(module: Module, report: Report): void {
  const names = new Set<string>();
  module.maps.forEach((map, index) => {
    const path = under(under(undefined, "maps"), index);
    if (names.has(map.name)) report.add(path, `two maps named "${map.name}"`);
    names.add(map.name);
    const fault = mapFault(map, module.maps);
    if (fault) report.add(path, `map "${map.name}" (${map.kind}): ${fault}`);
  });
}

/** Why no map can be of this declaration. */
export function mapFault(map: MapDeclaration, maps: readonly MapDeclaration[]): string | undefined {
  if (map.flags > knownFlags) return `unknown flags ${map.flags}`;
  return keyFault(map) ?? valueFault(map) ?? entriesFault(map) ?? packetRecordFault(map) ?? innerFault(map, maps);
}

function keyFault(map: MapDeclaration): string | undefined {
  const wanted = mapKinds[map.kind].key;
  if (wanted === "none") return map.key ? "a map of this kind has no key" : undefined;
  if (!map.key) return "the key is missing";
  if (wanted === "index") return isWord(map.key) ? undefined : "the key must be a u32 in native order";
  const size = sizeOf(map.key);
  if (size === 0 || size > maxKeySize) return `a key of ${size} bytes, not 1 to ${maxKeySize}`;
  if (wanted === "any") return undefined;
  const first = map.key.kind === "struct" ? map.key.fields[0] : undefined;
  if (first?.offset !== 0 || !isWord(first.layout))
    return "the key must be a struct that starts with the prefix length, a u32 in native order";
  return size < 5 || size > maxPrefixKey ? `a key of ${size} bytes, not 5 to ${maxPrefixKey}` : undefined;
}

function isWord(layout: Layout): boolean {
  return layout.kind === "integer" && layout.bits === 32 && !layout.signed && layout.order === "native";
}

function valueFault(map: MapDeclaration): string | undefined {
  const row = mapKinds[map.kind];
  if (!map.value) return /^(any|word|device)$/.test(row.value) ? "the value is missing" : undefined;
  const size = sizeOf(map.value);
  if (size === 0) return "a value without size";
  if (row.value === "device" && size !== 4 && size !== 8) return `a value of ${size} bytes, not 4 or 8`;
  if ((row.value === "word" || row.value === "map") && size !== 4) return `a value of ${size} bytes, not 4`;
  if (row.perCpu && size > maxPerCpuValue) return `a per-CPU value of ${size} bytes: at most ${maxPerCpuValue}`;
  return size * map.maxEntries > maxTotalSize ? "more than a terabyte of values" : undefined;
}

function entriesFault(map: MapDeclaration): string | undefined {
  if (map.kind !== "ringBuffer") return undefined;
  const pages = map.maxEntries / pageSize;
  const power = Number.isInteger(Math.log2(map.maxEntries));
  return power && pages >= 1 ? undefined : `${map.maxEntries} bytes: a power of two of at least ${pageSize} is needed`;
}

function innerFault(map: MapDeclaration, maps: readonly MapDeclaration[]): string | undefined {
  const holdsMaps = mapKinds[map.kind].value === "map";
  if (map.inner === undefined) return holdsMaps ? "the template of the inner maps is missing" : undefined;
  if (!holdsMaps) return "an inner map in what is no map of maps";
  const inner = maps[map.inner];
  if (!inner) return `no map ${map.inner} for the inner maps`;
  return mapKinds[inner.kind].value === "map" || inner.kind === "progArray"
    ? `inner maps of kind ${inner.kind}`
    : undefined;
}
