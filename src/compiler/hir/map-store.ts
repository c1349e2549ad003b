/**
 * A map as a program sees it, on bytes. The reference interpreter runs over anything that has this form: its own simple
 * stores (`interpret/maps.ts`), or an adapter to the maps of another oracle.
 *
 * Operations that a kind of map does not have give undefined or false.
 */
export interface MapStore {
  /** The live bytes of the value at a key: writes to them are writes to the map. `cpu` picks a per-CPU value. */
  lookup(key: Uint8Array, cpu: number): Uint8Array | undefined;
  /** @returns false when the map refuses: full, or `flags` (BPF_ANY, BPF_NOEXIST, BPF_EXIST) forbid. */
  update(key: Uint8Array, value: Uint8Array, flags: number, cpu: number): boolean;
  /** @returns false when there was nothing at the key. */
  delete(key: Uint8Array): boolean;
  /** Keys with their live values, in the order of `bpf_for_each_map_elem` where that is defined: ascending indices. */
  each(cpu: number): Iterable<readonly [key: Uint8Array, value: Uint8Array]>;
  push(value: Uint8Array): boolean;
  pop(): Uint8Array | undefined;
  peek(): Uint8Array | undefined;
  /** Adds a record to a ring buffer; false when there is no room. */
  emit(record: Uint8Array): boolean;
  /** Everything in it, for a broadcast to all devices of a map. */
  entries?(): readonly { readonly key: Uint8Array; readonly values: readonly Uint8Array[] }[];
}
