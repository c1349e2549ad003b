import type { KernelMap } from "../../kernel/maps.ts";

export interface EntryTarget {
  readonly slot: number;
  /** The port's number in its instance, and its identity. */
  readonly port: number;
  readonly identity: number;
}

/** Where the packets of each entry go, for the even and the odd generations. */
export class EntryTargets {
  readonly #map: KernelMap;

  constructor(map: KernelMap) {
    this.#map = map;
  }

  /** @param target undefined: packets are left to the kernel. */
  set(entry: number, parity: number, target: EntryTarget | undefined): void {
    const value = new Uint8Array(16);
    const view = new DataView(value.buffer);
    // Slot 0 of the array stays empty, so that 0 can say "nowhere".
    view.setUint32(0, target ? target.slot : 0, true);
    view.setUint32(4, target?.port ?? 0, true);
    view.setUint32(8, target?.identity ?? 0, true);
    this.#map.update(keyOf(entry, parity), value);
  }

  copy(entry: number, from: number): void {
    this.#map.update(keyOf(entry, 1 - from), this.#map.lookup(keyOf(entry, from))!);
  }
}

function keyOf(entry: number, parity: number): Uint8Array {
  const key = new Uint8Array(4);
  new DataView(key.buffer).setUint32(0, 2 * entry + parity, true);
  return key;
}
