import type { KernelMap } from "../../kernel/maps.ts";
import { inside, type NetworkNamespace } from "../../kernel/namespaces.ts";

/** The devices behind ports, for the even and the odd generations. */
export class DeviceTable {
  readonly #map: KernelMap;

  constructor(map: KernelMap) {
    this.#map = map;
  }

  /** The kernel looks the index up where the caller is (dev_map_alloc_netdev): so it is done inside of `namespace`. */
  set(port: number, parity: number, ifindex: number, namespace: NetworkNamespace | undefined): void {
    const value = new Uint8Array(4);
    new DataView(value.buffer).setUint32(0, ifindex, true);
    inside(namespace, () => this.#map.update(keyOf(port, parity), value));
  }

  clear(port: number, parity: number): void {
    this.#map.delete(keyOf(port, parity));
  }

  /** The index of the device; undefined when there is none, or when it went away. */
  get(port: number, parity: number): number | undefined {
    const bytes = this.#map.lookup(keyOf(port, parity));
    return bytes && new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  }
}

function keyOf(port: number, parity: number): Uint8Array {
  const key = new Uint8Array(4);
  new DataView(key.buffer).setUint32(0, 2 * port + parity, true);
  return key;
}
