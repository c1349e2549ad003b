import { Errno } from "../errno.ts";
import { flagProblem, keyText, readU32, u32Bytes, VmMap } from "./map.ts";
import { type FullMapSpec, mapError } from "./spec.ts";

/** BPF_MAP_TYPE_ARRAY_OF_MAPS and HASH_OF_MAPS (kernel/bpf/map_in_map.c): a program's look-up gives the inner map. */
export class MapOfMaps extends VmMap {
  readonly #inner = new Map<string, { readonly key: Uint8Array; readonly map: VmMap }>();

  constructor(spec: FullMapSpec) {
    super(spec);
    const keyFits = spec.type === "array_of_maps" ? spec.keySize === 4 : spec.keySize > 0;
    if (!keyFits || spec.valueSize !== 4 || spec.maxEntries === 0) {
      throw mapError(spec, "a map of maps has values of 4 bytes, at least one entry, and (array) keys of 4 bytes");
    }
  }

  /** Stores an inner map under the key. */
  setMap(key: Uint8Array, map: VmMap, flags = 0): number {
    this.checkKey(key);
    const isArray = this.spec.type === "array_of_maps";
    if (isArray && readU32(key) >= this.spec.maxEntries) {
      return Errno.E2BIG;
    }
    const known = this.#inner.has(keyText(key));
    const problem = flagProblem(flags, isArray || known);
    if (problem !== undefined) {
      return problem;
    }
    if (!isArray && !known && this.#inner.size >= this.spec.maxEntries) {
      return Errno.E2BIG;
    }
    this.#inner.set(keyText(key), { key: key.slice(), map });
    return 0;
  }

  mapFor(key: Uint8Array): VmMap | undefined {
    return this.#inner.get(keyText(key))?.map;
  }

  override delete(key: Uint8Array): number {
    this.checkKey(key);
    if (this.spec.type === "array_of_maps" && readU32(key) >= this.spec.maxEntries) {
      return Errno.E2BIG;
    }
    return this.#inner.delete(keyText(key)) ? 0 : Errno.ENOENT;
  }

  /** The inner map's id, as BPF_MAP_LOOKUP_ELEM gives it. */
  override lookup(key: Uint8Array): Uint8Array | undefined {
    this.checkKey(key);
    const map = this.mapFor(key);
    return map === undefined ? undefined : u32Bytes(map.id);
  }

  override *elements(_cpu: number): Generator<readonly [Uint8Array, Uint8Array]> {
    for (const { key, map } of [...this.#inner.values()]) {
      yield [key, u32Bytes(map.id)];
    }
  }
}
