import type { MapFamily } from "../../language/operations.ts";
import type { MapKind } from "./tree.ts";

/** What a declaration of a kind of map consists of. */
export interface MapKindRow {
  /** Which operations serve it; absent for maps of maps, which have none yet. */
  readonly family?: MapFamily;
  /** "index": a native u32; "prefix": a struct that starts with the prefix length; "none". */
  readonly key: "any" | "index" | "prefix" | "none";
  /**
   * "word": 4 bytes; "optional": may be absent; "map": a map's id, 4 bytes when given; "device": an interface
   * index, maybe with a program: 4 or 8 bytes.
   */
  readonly value: "any" | "word" | "optional" | "map" | "device";
  readonly perCpu?: true;
  /** A spin lock may lie in its values (map_check_btf, kernel/bpf/syscall.c). */
  readonly locks?: true;
  readonly timers?: true;
  /** `bpf_for_each_map_elem` goes over it (map_for_each_callback of struct bpf_map_ops). */
  readonly forEach?: true;
}

export const mapKinds: Readonly<Record<MapKind, MapKindRow>> = {
  array: { family: "keyed", key: "index", value: "any", locks: true, timers: true, forEach: true },
  hash: { family: "keyed", key: "any", value: "any", locks: true, timers: true, forEach: true },
  lruHash: { family: "keyed", key: "any", value: "any", timers: true, forEach: true },
  perCpuArray: { family: "keyed", key: "index", value: "any", perCpu: true, forEach: true },
  perCpuHash: { family: "keyed", key: "any", value: "any", perCpu: true, forEach: true },
  lruPerCpuHash: { family: "keyed", key: "any", value: "any", perCpu: true, forEach: true },
  lpmTrie: { family: "keyed", key: "prefix", value: "any" },
  ringBuffer: { family: "ring", key: "none", value: "optional" },
  queue: { family: "queue", key: "none", value: "any" },
  stack: { family: "queue", key: "none", value: "any" },
  devMap: { family: "device", key: "index", value: "device" },
  devMapHash: { family: "device", key: "index", value: "device" },
  progArray: { family: "program", key: "index", value: "word" },
  arrayOfMaps: { family: "maps", key: "index", value: "map" },
  hashOfMaps: { family: "maps", key: "any", value: "map" },
};
