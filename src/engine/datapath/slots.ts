import type { KernelMap } from "../../kernel/maps.ts";
import { KernelProgram } from "../../kernel/programs.ts";

/** The programs of pipelines, two for each: that of the even and that of the odd generations. */
export class Slots {
  readonly #map: KernelMap;

  constructor(map: KernelMap) {
    this.#map = map;
  }

  /** The id of the program in a pipeline's place. */
  programId(slot: number, parity: number): number | undefined {
    const bytes = this.#map.lookup(keyOf(slot, parity));
    return bytes && new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  }

  set(slot: number, parity: number, program: { readonly fd: number }): void {
    this.#map.updateDescriptor(keyOf(slot, parity), program);
  }

  clear(slot: number, parity: number): void {
    this.#map.delete(keyOf(slot, parity));
  }

  /** Takes the programs out of all other places. */
  keepOnly(slots: ReadonlySet<number>): void {
    const { maxEntries } = this.#map;
    for (let place = 0; place < maxEntries / 2; place++) {
      if (slots.has(place)) continue;
      for (const parity of [0, 1]) if (this.programId(place, parity) !== undefined) this.clear(place, parity);
    }
  }

  /** Makes one parity's program that of the other one, too. */
  copy(slot: number, from: number): void {
    const wanted = this.programId(slot, from);
    const there = this.programId(slot, 1 - from);
    if (wanted === there) return;
    if (wanted === undefined) {
      this.clear(slot, 1 - from);
      return;
    }
    using program = KernelProgram.fromId(wanted);
    this.set(slot, 1 - from, program);
  }
}

function keyOf(slot: number, parity: number): Uint8Array {
  const key = new Uint8Array(4);
  new DataView(key.buffer).setUint32(0, 2 * slot + parity, true);
  return key;
}
