/**
 * `union bpf_attr`, the argument of bpf(2), filled field by field at the offsets of include/uapi/linux/bpf.h. The
 * kernel accepts a union longer than its own as long as the unknown rest is zero (bpf_check_uarg_tail_zero), so one
 * size serves all commands and kernels.
 */
import { addressOf, keepAlive, syscall } from "./native.ts";
import { NR } from "./numbers.ts";

const SIZE = 184;
const encoder = new TextEncoder();

/** The kernel's limit for object names, without the final zero (BPF_OBJ_NAME_LEN). */
const NAME_LENGTH = 15;

/** Text as the kernel reads it: UTF-8 with a final zero. */
export function zeroTerminated(text: string): Uint8Array {
  return encoder.encode(text + "\0");
}

/** What the kernel takes as an object's name: letters, digits, `_` and `.`, at most 15; others become `_`. */
export function objectName(name: string): string {
  return name.replace(/[^A-Za-z0-9_.]/g, "_").slice(0, NAME_LENGTH);
}

/** One `union bpf_attr`. Setters return the object, so that a command reads as one expression. */
export class Attributes {
  readonly #bytes = new Uint8Array(SIZE);
  readonly #view = new DataView(this.#bytes.buffer);
  /** Keeps what the union points to alive as long as the union. */
  readonly #buffers: Uint8Array[] = [];

  u32(offset: number, value: number): this {
    this.#view.setUint32(offset, value, true);
    return this;
  }

  u64(offset: number, value: number | bigint): this {
    this.#view.setBigUint64(offset, BigInt(value), true);
    return this;
  }

  /** The address of `buffer`; null when it is absent or empty. */
  pointer(offset: number, buffer: Uint8Array | undefined): this {
    if (buffer === undefined || buffer.length === 0) return this;
    this.#buffers.push(buffer);
    return this.u64(offset, addressOf(buffer));
  }

  /** The address of a zero-terminated copy of `text`. */
  text(offset: number, text: string): this {
    return this.pointer(offset, zeroTerminated(text));
  }

  /** An object's name, in the union itself. */
  name(offset: number, name: string): this {
    this.#bytes.set(encoder.encode(objectName(name)), offset);
    return this;
  }

  getU32(offset: number): number {
    return this.#view.getUint32(offset, true);
  }

  getU64(offset: number): bigint {
    return this.#view.getBigUint64(offset, true);
  }

  /** Makes the call; returns its result or the negative error number. */
  call(command: number): number {
    const result = syscall(NR.bpf, command, this.#bytes, SIZE);
    keepAlive(this.#buffers);
    return result;
  }
}
