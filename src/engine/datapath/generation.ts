import type { KernelMap } from "../../kernel/maps.ts";

const key = new Uint8Array(4);

/**
 * The word that says which slot of every pipeline is live: its lowest bit. Writing it is the moment at which an apply
 * takes effect, for all hooks at once (a store of four aligned bytes, bpf array_map_update_elem).
 */
export class Generation {
  readonly #map: KernelMap;

  constructor(map: KernelMap) {
    this.#map = map;
  }

  get value(): number {
    const bytes = this.#map.lookup(key)!;
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  }

  get parity(): number {
    return this.value & 1;
  }

  commit(value: number): void {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value, true);
    this.#map.update(key, bytes);
  }
}
