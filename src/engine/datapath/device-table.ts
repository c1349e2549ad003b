import { IovisorError } from "../../errors.ts";
import { type KernelMap, setDevice } from "../../kernel/maps.ts";
import { NetworkNamespace } from "../../kernel/namespaces.ts";
import type { KernelProgram } from "../../kernel/programs.ts";
import { errno } from "../../kernel/sys/errno.ts";
import { hasErrno } from "../../kernel/system-error.ts";

/** A port's device: its index, and the namespace (a name under /run/netns) in which that index means it. */
export interface DeviceRecord {
  readonly port: number;
  readonly ifindex: number;
  readonly netns?: string;
  /** Number of the port, where groups may have tags that it does not get. */
  readonly untag?: number;
}

/** The devices behind ports, for the even and the odd generations. */
export class DeviceTable {
  readonly #map: KernelMap;
  readonly #untag: (port: number) => KernelProgram;

  /** @param untag the program behind devices whose records say so */
  constructor(map: KernelMap, untag: (port: number) => KernelProgram) {
    this.#map = map;
    this.#untag = untag;
  }

  /**
   * The kernel looks the index up where the caller is (dev_map_update_elem): so it is done inside of the namespace.
   * False when the device, or its namespace, went away: then the port leads nowhere.
   */
  set(port: number, parity: number, { ifindex, netns, untag }: Omit<DeviceRecord, "port">): boolean {
    try {
      using namespace = netns === undefined ? undefined : NetworkNamespace.open(netns);
      const target = {
        ifindex,
        ...(untag === undefined ? {} : { program: this.#untag(untag) }),
        ...(namespace ? { namespace } : {}),
      };
      setDevice(this.#map, keyNumber(port, parity), target);
      return true;
    } catch (error) {
      if (!hasErrno(error, errno.EINVAL) && !isNoNamespace(error)) throw error;
      this.clear(port, parity);
      return false;
    }
  }

  clear(port: number, parity: number): void {
    this.#map.delete(keyOf(port, parity));
  }

  /** Lets all other ports lead nowhere. */
  keepOnly(ports: ReadonlySet<number>): void {
    for (const key of [...this.#map.keys()]) {
      const number = new DataView(key.buffer, key.byteOffset).getUint32(0, true);
      if (!ports.has(number >> 1)) this.#map.delete(key);
    }
  }

  /** The index of the device; undefined when there is none, or when it went away. */
  get(port: number, parity: number): number | undefined {
    const bytes = this.#map.lookup(keyOf(port, parity));
    return bytes && new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  }
}

function isNoNamespace(error: unknown): boolean {
  return error instanceof IovisorError && error.code === "E_NO_NAMESPACE";
}

function keyNumber(port: number, parity: number): number {
  return 2 * port + parity;
}

function keyOf(port: number, parity: number): Uint8Array {
  const key = new Uint8Array(4);
  new DataView(key.buffer).setUint32(0, keyNumber(port, parity), true);
  return key;
}
