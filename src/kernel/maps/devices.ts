/** Entries of device maps: where a redirect leads, and the program that runs on what leaves there. */
import { IovisorError } from "../../errors.ts";
import { inside, type NetworkNamespace } from "../namespaces.ts";
import type { KernelMap } from "./map.ts";

/** Bytes of a value with a program: struct bpf_devmap_val (include/uapi/linux/bpf.h). */
export const deviceWithProgramBytes = 8;

export interface DeviceTarget {
  readonly ifindex: number;
  /** Runs on every frame that leaves there: loaded for the hook "xdp-devmap". The entry keeps it loaded. */
  readonly program?: { readonly fd: number };
  /** Where the interface index means that device; by default the thread's own. */
  readonly namespace?: NetworkNamespace;
}

/** An entry as the kernel tells it. */
export interface DeviceEntry {
  readonly ifindex: number;
  readonly programId?: number;
}

/**
 * Writes an entry. The kernel looks the device up in the namespace of the thread that writes (dev_map_update_elem), so
 * that is done inside of it.
 *
 * @throws E_USAGE for a program in a map whose values have none, or no such device
 */
export function setDevice(map: KernelMap, key: number, { ifindex, program, namespace }: DeviceTarget): void {
  if (program && map.valueSize !== deviceWithProgramBytes) {
    const message = `map "${map.name}" has no programs in its entries`;
    throw new IovisorError("E_USAGE", message, `declare it with values of ${deviceWithProgramBytes} bytes`);
  }
  const value = new Uint8Array(map.valueSize);
  const view = new DataView(value.buffer);
  view.setUint32(0, ifindex, true);
  // A descriptor above 0 is a program's; 0 and below are none (__dev_map_alloc_node).
  if (map.valueSize === deviceWithProgramBytes) view.setInt32(4, program?.fd ?? -1, true);
  inside(namespace, () => map.update(keyOf(key), value));
}

/** The entry at a key, or undefined. */
export function deviceAt(map: KernelMap, key: number): DeviceEntry | undefined {
  const value = map.lookup(keyOf(key));
  if (!value) return undefined;
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const programId = map.valueSize === deviceWithProgramBytes ? view.getUint32(4, true) : 0;
  return { ifindex: view.getUint32(0, true), ...(programId === 0 ? {} : { programId }) };
}

function keyOf(key: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, key, true);
  return bytes;
}
