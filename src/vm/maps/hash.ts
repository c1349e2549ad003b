import { Errno } from "../errno.ts";
import { flagProblem, keyText, roundUp8, VmMap } from "./map.ts";
import { type FullMapSpec, mapError } from "./spec.ts";

interface Element {
  readonly key: Uint8Array;
  /** One per CPU, or one. */
  readonly values: readonly Uint8Array[];
}

/**
 * BPF_MAP_TYPE_HASH, its per-CPU form, and the LRU form of both (kernel/bpf/hashtab.c). The LRU order is exact here (a
 * program's look-up or update makes an element the youngest, a host's look-up does not), where the kernel's is
 * approximate.
 */
export class HashMap extends VmMap {
  readonly #cpus: number;
  readonly #perCpu: boolean;
  readonly #lru: boolean;
  /** In order of age. */
  readonly #elements = new Map<string, Element>();

  constructor(spec: FullMapSpec, cpus: number) {
    super(spec);
    if (spec.keySize === 0 || spec.valueSize === 0 || spec.maxEntries === 0) {
      throw mapError(spec, "a hash has keys, values, and at least one entry");
    }
    this.#perCpu = spec.type === "percpu_hash" || spec.type === "lru_percpu_hash";
    this.#cpus = this.#perCpu ? cpus : 1;
    this.#lru = spec.type === "lru_hash" || spec.type === "lru_percpu_hash";
  }

  /** Elements now. */
  get size(): number {
    return this.#elements.size;
  }

  override find(key: Uint8Array, cpu: number): Uint8Array | undefined {
    const text = keyText(key);
    const element = this.#elements.get(text);
    if (element !== undefined && this.#lru) {
      this.#elements.delete(text);
      this.#elements.set(text, element);
    }
    return element?.values[this.#perCpu ? cpu : 0];
  }

  override put(key: Uint8Array, value: Uint8Array, flags: number, cpu: number): number {
    const known = this.#elements.get(keyText(key));
    if (known === undefined || !this.#perCpu) {
      const values = Array.from({ length: this.#cpus }, () => new Uint8Array(this.spec.valueSize));
      values[this.#perCpu ? cpu : 0]!.set(value);
      return this.#insert(key, values, flags);
    }
    const problem = flagProblem(flags, true);
    if (problem === undefined) {
      known.values[cpu]!.set(value);
    }
    return problem ?? 0;
  }

  override remove(key: Uint8Array): number {
    return this.#elements.delete(keyText(key)) ? 0 : Errno.ENOENT;
  }

  override *elements(cpu: number): Generator<readonly [Uint8Array, Uint8Array]> {
    for (const { key, values } of [...this.#elements.values()]) {
      yield [key, values[this.#perCpu ? cpu : 0]!];
    }
  }

  override lookup(key: Uint8Array): Uint8Array | undefined {
    this.checkKey(key);
    const element = this.#elements.get(keyText(key));
    if (element === undefined || !this.#perCpu) {
      return element?.values[0]?.slice();
    }
    const stride = roundUp8(this.spec.valueSize);
    const all = new Uint8Array(stride * this.#cpus);
    element.values.forEach((value, cpu) => {
      all.set(value, cpu * stride);
    });
    return all;
  }

  override update(key: Uint8Array, value: Uint8Array, flags = 0): number {
    if (!this.#perCpu) {
      return super.update(key, value, flags);
    }
    const stride = roundUp8(this.spec.valueSize);
    this.checkKey(key);
    this.checkValue(value, stride * this.#cpus);
    const values = Array.from({ length: this.#cpus }, (_, cpu) =>
      value.slice(cpu * stride, cpu * stride + this.spec.valueSize),
    );
    return this.#insert(key, values, flags);
  }

  /** A replaced element's value stays what it was for programs that hold its address, as in the kernel. */
  #insert(key: Uint8Array, values: readonly Uint8Array[], flags: number): number {
    const text = keyText(key);
    const exists = this.#elements.has(text);
    const problem = flagProblem(flags, exists);
    if (problem !== undefined) {
      return problem;
    }
    if (!exists && this.#elements.size >= this.spec.maxEntries) {
      if (!this.#lru) {
        return Errno.E2BIG;
      }
      this.#elements.delete(this.#elements.keys().next().value!);
    }
    if (this.#lru) {
      this.#elements.delete(text);
    }
    this.#elements.set(text, { key: key.slice(), values });
    return 0;
  }
}
