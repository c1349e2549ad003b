import { Errno } from "../errno.ts";
import { FaultReason } from "../fault.ts";
import { type FullMapSpec, mapError } from "./spec.ts";

let lastId = 0;

/**
 * A map of the machine. `find`, `put` and `remove` are what programs do (live memory, the current CPU's value);
 * `lookup`, `update`, `delete` and `entries` are the host's view, as of the bpf(2) commands. Updates and deletions
 * return 0 or a negative error number, as the kernel does.
 */
export abstract class VmMap {
  readonly spec: FullMapSpec;
  /** Unique in the process, as BPF_MAP_GET_INFO's id. */
  readonly id: number = ++lastId;

  constructor(spec: FullMapSpec) {
    this.spec = spec;
  }

  /** The live value for the program's look-up, or undefined. */
  find(_key: Uint8Array, _cpu: number): Uint8Array | undefined {
    throw this.unsupported("look-ups");
  }

  /** The program's update. */
  put(_key: Uint8Array, _value: Uint8Array, _flags: number, _cpu: number): number {
    throw this.unsupported("updates");
  }

  /** The program's deletion. */
  remove(_key: Uint8Array): number {
    throw this.unsupported("deletions");
  }

  /** Keys and live values in the order of `bpf_for_each_map_elem`. */
  elements(_cpu: number): Iterable<readonly [key: Uint8Array, value: Uint8Array]> {
    throw this.unsupported("iteration");
  }

  /** A copy of the value, or undefined. Values of per-CPU maps are concatenated, each padded to 8 bytes. */
  lookup(key: Uint8Array): Uint8Array | undefined {
    this.checkKey(key);
    return this.find(key, 0)?.slice();
  }

  /** Stores a copy; `flags` as in `UpdateFlag`. */
  update(key: Uint8Array, value: Uint8Array, flags = 0): number {
    this.checkKey(key);
    this.checkValue(value);
    return this.put(key, value, flags, 0);
  }

  delete(key: Uint8Array): number {
    this.checkKey(key);
    return this.remove(key);
  }

  /** Copies of all keys and values. */
  *entries(): Generator<readonly [key: Uint8Array, value: Uint8Array]> {
    for (const [key] of this.elements(0)) {
      const value = this.lookup(key);
      if (value !== undefined) {
        yield [key.slice(), value];
      }
    }
  }

  protected checkKey(key: Uint8Array): void {
    if (key.length !== this.spec.keySize) {
      throw mapError(this.spec, `a key has ${this.spec.keySize} bytes, not ${key.length}`);
    }
  }

  protected checkValue(value: Uint8Array, size = this.spec.valueSize): void {
    if (value.length !== size) {
      throw mapError(this.spec, `a value has ${size} bytes, not ${value.length}`);
    }
  }

  protected unsupported(what: string): FaultReason {
    return new FaultReason(`map ${this.spec.name} (${this.spec.type}) does not support ${what}`);
  }
}

/** The result for an update whose flags do not agree with whether the key exists, or undefined if they do. */
export function flagProblem(flags: number, exists: boolean): number | undefined {
  const mode = flags & ~4;
  if (mode > 2) {
    return Errno.EINVAL;
  }
  if (mode === 1 && exists) {
    return Errno.EEXIST;
  }
  return mode === 2 && !exists ? Errno.ENOENT : undefined;
}

/** A key as a string, byte by byte. */
export function keyText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
}

export function readU32(bytes: Uint8Array, at = 0): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at, true);
}

export function u32Bytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

export function roundUp8(size: number): number {
  return (size + 7) & ~7;
}
