import { Errno } from "../errno.ts";
import { VmMap } from "./map.ts";
import { type FullMapSpec, mapError, UpdateFlag } from "./spec.ts";

/** BPF_MAP_TYPE_QUEUE (first in, first out) and _STACK (last in, first out): kernel/bpf/queue_stack_maps.c. */
export class QueueMap extends VmMap {
  readonly #values: Uint8Array[] = [];

  constructor(spec: FullMapSpec) {
    super(spec);
    if (spec.keySize !== 0 || spec.valueSize === 0 || spec.maxEntries === 0) {
      throw mapError(spec, "a queue or stack has no keys, values, and at least one entry");
    }
  }

  /** Adds a copy; with BPF_EXIST a full map loses its oldest value. */
  push(value: Uint8Array, flags: number): number {
    if (flags !== UpdateFlag.any && flags !== UpdateFlag.exist) {
      return Errno.EINVAL;
    }
    if (this.#values.length >= this.spec.maxEntries) {
      if (flags !== UpdateFlag.exist) {
        return Errno.E2BIG;
      }
      this.#values.shift();
    }
    this.#values.push(value.slice());
    return 0;
  }

  /** The value that {@link pop} would take. */
  peek(): Uint8Array | undefined {
    return this.spec.type === "queue" ? this.#values[0] : this.#values.at(-1);
  }

  pop(): Uint8Array | undefined {
    return this.spec.type === "queue" ? this.#values.shift() : this.#values.pop();
  }

  /** As BPF_MAP_LOOKUP_ELEM on such a map: peeks. */
  override lookup(key: Uint8Array): Uint8Array | undefined {
    this.checkKey(key);
    return this.peek()?.slice();
  }

  override update(key: Uint8Array, value: Uint8Array, flags = 0): number {
    this.checkKey(key);
    this.checkValue(value);
    return this.push(value, flags);
  }

  override delete(_key: Uint8Array): number {
    return Errno.EINVAL;
  }

  /** Values from the oldest to the youngest, under an empty key. */
  override *entries(): Generator<readonly [Uint8Array, Uint8Array]> {
    for (const value of this.#values) {
      yield [new Uint8Array(0), value.slice()];
    }
  }
}
