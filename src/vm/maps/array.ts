import { Errno } from "../errno.ts";
import { flagProblem, readU32, roundUp8, u32Bytes, VmMap } from "./map.ts";
import { type FullMapSpec, mapError } from "./spec.ts";

/** BPF_MAP_TYPE_ARRAY and its per-CPU form (kernel/bpf/arraymap.c): all elements exist and start as zero. */
export class ArrayMap extends VmMap {
  /** Values one after the other, each padded to 8 bytes, CPU by CPU: what mmap of an array map shows. */
  readonly bytes: Uint8Array;
  readonly #cpus: number;
  readonly #stride: number;
  /** Each element keeps one view for life, since addresses go by view. */
  readonly #views = new Map<number, Uint8Array>();

  constructor(spec: FullMapSpec, cpus: number) {
    super(spec);
    if (spec.keySize !== 4 || spec.valueSize === 0 || spec.maxEntries === 0) {
      throw mapError(spec, "an array has keys of 4 bytes, values, and at least one entry");
    }
    this.#cpus = spec.type === "percpu_array" ? cpus : 1;
    this.#stride = roundUp8(spec.valueSize);
    this.bytes = new Uint8Array(this.#stride * spec.maxEntries * this.#cpus);
  }

  override find(key: Uint8Array, cpu: number): Uint8Array | undefined {
    const index = readU32(key);
    return index < this.spec.maxEntries ? this.#view(index, cpu) : undefined;
  }

  override put(key: Uint8Array, value: Uint8Array, flags: number, cpu: number): number {
    const index = readU32(key);
    const problem = this.#updateProblem(index, flags);
    if (problem === undefined) {
      this.#view(index, cpu).set(value);
    }
    return problem ?? 0;
  }

  override remove(_key: Uint8Array): number {
    return Errno.EINVAL;
  }

  override *elements(cpu: number): Generator<readonly [Uint8Array, Uint8Array]> {
    for (let index = 0; index < this.spec.maxEntries; index++) {
      yield [u32Bytes(index), this.#view(index, cpu)];
    }
  }

  override lookup(key: Uint8Array): Uint8Array | undefined {
    this.checkKey(key);
    if (this.spec.type === "array") {
      return this.find(key, 0)?.slice();
    }
    const index = readU32(key);
    if (index >= this.spec.maxEntries) {
      return undefined;
    }
    const all = new Uint8Array(this.#stride * this.#cpus);
    for (let cpu = 0; cpu < this.#cpus; cpu++) {
      all.set(this.#view(index, cpu), cpu * this.#stride);
    }
    return all;
  }

  override update(key: Uint8Array, value: Uint8Array, flags = 0): number {
    if (this.spec.type === "array") {
      return super.update(key, value, flags);
    }
    this.checkKey(key);
    this.checkValue(value, this.#stride * this.#cpus);
    const index = readU32(key);
    const problem = this.#updateProblem(index, flags);
    for (let cpu = 0; cpu < this.#cpus && problem === undefined; cpu++) {
      const start = cpu * this.#stride;
      this.#view(index, cpu).set(value.subarray(start, start + this.spec.valueSize));
    }
    return problem ?? 0;
  }

  #updateProblem(index: number, flags: number): number | undefined {
    if ((flags & ~4) > 2) {
      return Errno.EINVAL;
    }
    return index >= this.spec.maxEntries ? Errno.E2BIG : flagProblem(flags, true);
  }

  #view(index: number, cpu: number): Uint8Array {
    const number = (this.#cpus === 1 ? 0 : cpu) * this.spec.maxEntries + index;
    let view = this.#views.get(number);
    if (view === undefined) {
      const start = number * this.#stride;
      view = this.bytes.subarray(start, start + this.spec.valueSize);
      this.#views.set(number, view);
    }
    return view;
  }
}
