/** Arrays as memory: values are read and written with no system call (BPF_F_MMAPABLE, Linux 5.5). */
import { IovisorError } from "../../errors.ts";
import { mapFlags } from "../sys/constants.ts";
import { type Mapping, mapShared, PROT_READ, PROT_WRITE } from "../sys/memory.ts";
import type { MapSpec } from "./spec.ts";

const PAGE_SIZE = 4096;

/** A mapped array. */
export interface MapView extends Disposable {
  /** The whole array; index `i` starts at `i * stride`. Length 0 after {@link close}. */
  readonly bytes: Uint8Array;
  readonly stride: number;
  /** False when the map was frozen before: then writing to `bytes` crashes the process. */
  readonly writable: boolean;
  close(): void;
}

function mapAsPermitted(fd: number, size: number): { mapping: Mapping; writable: boolean } {
  try {
    return { mapping: mapShared(fd, size, PROT_READ | PROT_WRITE), writable: true };
  } catch {
    return { mapping: mapShared(fd, size, PROT_READ), writable: false };
  }
}

/** Maps an array; `onClose` runs once when the view is closed. */
export function mapView(map: MapSpec, fd: number, onClose: () => void): MapView {
  if (map.type !== "array" || !((map.flags ?? 0) & mapFlags.mmapable)) {
    throw new IovisorError(
      "E_USAGE",
      `map "${map.name}" cannot be mapped into memory`,
      "declare it as an array with the flag BPF_F_MMAPABLE",
    );
  }
  const stride = (map.valueSize + 7) & ~7;
  const size = Math.ceil((stride * map.maxEntries) / PAGE_SIZE) * PAGE_SIZE;
  const { mapping, writable } = mapAsPermitted(fd, size);
  const bytes = new Uint8Array(mapping.buffer, 0, stride * map.maxEntries);
  const close = () => {
    if (mapping.buffer.detached) return;
    mapping.close();
    onClose();
  };
  return { bytes, stride, writable, close, [Symbol.dispose]: close };
}
