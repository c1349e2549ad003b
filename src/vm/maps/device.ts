import { Errno } from "../errno.ts";
import { flagProblem, keyText, readU32, VmMap } from "./map.ts";
import { type FullMapSpec, mapError } from "./spec.ts";

/**
 * The targets of `bpf_redirect_map`: BPF_MAP_TYPE_DEVMAP, DEVMAP_HASH (kernel/bpf/devmap.c), CPUMAP and XSKMAP. A value
 * starts with the interface index (devmaps) or the queue size (cpumap). All but DEVMAP_HASH are arrays with holes.
 */
export class DeviceMap extends VmMap {
  readonly #slots = new Map<string, { readonly key: Uint8Array; readonly value: Uint8Array }>();

  constructor(spec: FullMapSpec) {
    super(spec);
    if (spec.keySize !== 4 || spec.valueSize < 4 || spec.valueSize > 8 || spec.maxEntries === 0) {
      throw mapError(spec, "a redirect map has keys of 4 bytes, values of 4 or 8, and at least one entry");
    }
  }

  override find(key: Uint8Array, _cpu: number): Uint8Array | undefined {
    return this.#slots.get(keyText(key))?.value;
  }

  /** Programs may not update these maps; this is the host's update. */
  override update(key: Uint8Array, value: Uint8Array, flags = 0): number {
    this.checkKey(key);
    this.checkValue(value);
    return this.spec.type === "devmap_hash"
      ? this.#updateHash(key, value, flags)
      : this.#updateArray(key, value, flags);
  }

  override delete(key: Uint8Array): number {
    this.checkKey(key);
    if (this.spec.type !== "devmap_hash") {
      this.#slots.delete(keyText(key));
      return readU32(key) >= this.spec.maxEntries ? Errno.EINVAL : 0;
    }
    return this.#slots.delete(keyText(key)) ? 0 : Errno.ENOENT;
  }

  override *elements(_cpu: number): Generator<readonly [Uint8Array, Uint8Array]> {
    for (const { key, value } of [...this.#slots.values()]) {
      yield [key, value];
    }
  }

  /** In the array form a zero interface index empties the slot (__dev_map_update_elem). */
  #updateArray(key: Uint8Array, value: Uint8Array, flags: number): number {
    if (flags > 2) {
      return Errno.EINVAL;
    }
    if (readU32(key) >= this.spec.maxEntries) {
      return Errno.E2BIG;
    }
    if (flags === 1) {
      return Errno.EEXIST;
    }
    if (readU32(value) === 0) {
      this.#slots.delete(keyText(key));
      return 0;
    }
    return this.#store(key, value);
  }

  #updateHash(key: Uint8Array, value: Uint8Array, flags: number): number {
    const exists = this.#slots.has(keyText(key));
    if (flags > 2 || readU32(value) === 0) {
      return Errno.EINVAL;
    }
    const problem = flags === 1 ? flagProblem(flags, exists) : undefined;
    if (problem !== undefined) {
      return problem;
    }
    return !exists && this.#slots.size >= this.spec.maxEntries ? Errno.E2BIG : this.#store(key, value);
  }

  #store(key: Uint8Array, value: Uint8Array): number {
    this.#slots.set(keyText(key), { key: key.slice(), value: value.slice() });
    return 0;
  }
}
