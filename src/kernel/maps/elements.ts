/**
 * Single-element calls on one map, made fast: the attributes and the key and value buffers are laid out once, so that
 * a call copies the key in, makes one system call and copies the value out.
 */
import { command } from "../sys/constants.ts";
import { addressOf, keepAlive, syscall } from "../sys/native.ts";
import { NR } from "../sys/numbers.ts";

const ATTRIBUTES_SIZE = 32;
/** A delete may pass nothing after the key: the kernel refuses fields that a command does not have. */
const DELETE_SIZE = 16;
const FLAGS_OFFSET = 24;

/** Buffers and attributes for element calls. Not reentrant, which synchronous calls do not need. */
export class ElementCalls {
  /** Where the key of the next call goes. */
  readonly key: Uint8Array;
  /** The value of the next update, or of the last lookup; the next key of {@link next}. */
  readonly value: Uint8Array;
  readonly #attributes = new Uint8Array(ATTRIBUTES_SIZE);
  readonly #view = new DataView(this.#attributes.buffer);
  readonly #address: bigint;
  readonly #valueAddress: bigint;
  readonly #nextKey: Uint8Array;

  constructor(fd: number, keySize: number, valueSize: number) {
    this.key = new Uint8Array(keySize);
    this.value = new Uint8Array(valueSize);
    this.#nextKey = new Uint8Array(keySize);
    this.#address = addressOf(this.#attributes);
    this.#valueAddress = addressOf(this.value);
    this.#view.setUint32(0, fd, true);
    this.#view.setBigUint64(8, addressOf(this.key), true);
    this.#view.setBigUint64(16, this.#valueAddress, true);
  }

  #call(bpfCommand: number, flags: number, size = ATTRIBUTES_SIZE): number {
    this.#view.setUint32(FLAGS_OFFSET, flags, true);
    const result = syscall(NR.bpf, bpfCommand, this.#address, size);
    keepAlive(this);
    return result;
  }

  lookup(flags: number): number {
    return this.#call(command.mapLookup, flags);
  }

  update(flags: number): number {
    return this.#call(command.mapUpdate, flags);
  }

  lookupAndDelete(flags: number): number {
    return this.#call(command.mapLookupAndDelete, flags);
  }

  delete(): number {
    return this.#call(command.mapDelete, 0, DELETE_SIZE);
  }

  /** The key after {@link key} (or the first one) goes into {@link key}. */
  next(first: boolean): number {
    this.#view.setBigUint64(8, first ? 0n : addressOf(this.key), true);
    this.#view.setBigUint64(16, addressOf(this.#nextKey), true);
    const result = this.#call(command.mapNextKey, 0);
    this.#view.setBigUint64(8, addressOf(this.key), true);
    this.#view.setBigUint64(16, this.#valueAddress, true);
    if (result === 0) this.key.set(this.#nextKey);
    return result;
  }
}
