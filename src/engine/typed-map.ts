import type { MapDeclaration } from "../compiler/hir/tree.ts";
import { IovisorError } from "../errors.ts";
import { isPerCpu } from "../kernel/maps/spec.ts";
import type { KernelMap, UpdateMode } from "../kernel/maps.ts";
import { Codec } from "./codec.ts";

/**
 * A map of a running function, with the types of its declaration. It reads like a `Map`; every call goes to the kernel.
 *
 * @example
 * for (const [source, usage] of fn.maps.usage) console.log(source, usage.packets);
 */
export class TypedMap<K, V> implements Iterable<[K, V]> {
  readonly name: string;
  /** The map underneath, for raw bytes, pinning and information. */
  readonly raw: KernelMap;
  readonly #key: Codec<K>;
  readonly #value: Codec<V>;

  constructor(declaration: MapDeclaration, raw: KernelMap) {
    if (!declaration.key || !declaration.value) {
      throw new IovisorError("E_USAGE", `map "${declaration.name}" has no keys`, "read it as a queue or as events");
    }
    this.name = declaration.name;
    this.raw = raw;
    this.#key = new Codec<K>(declaration.key);
    this.#value = new Codec<V>(declaration.value);
  }

  get(key: K): V | undefined {
    const bytes = this.raw.lookup(this.#encodeKey(key));
    return bytes && this.#value.decode(bytes);
  }

  has(key: K): boolean {
    return this.raw.has(this.#encodeKey(key));
  }

  /** Writes a value; false when `mode` forbade it. @throws E_FULL, E_USAGE */
  set(key: K, value: V, mode: UpdateMode = "any"): boolean {
    return this.raw.update(this.#encodeKey(key), this.#value.encode(value, this.name), { mode });
  }

  /** False when the key was absent. */
  delete(key: K): boolean {
    return this.raw.delete(this.#encodeKey(key));
  }

  /** Takes an entry out, atomically. */
  take(key: K): V | undefined {
    const bytes = this.raw.lookupAndDelete(this.#encodeKey(key));
    return bytes && this.#value.decode(bytes);
  }

  /** All entries, read in batches. Entries that change meanwhile may be seen or not; none is seen in half. */
  *entries(): Generator<[K, V]> {
    for (const [key, value] of this.raw.entries()) yield [this.#key.decode(key), this.#value.decode(value)];
  }

  [Symbol.iterator](): Generator<[K, V]> {
    return this.entries();
  }

  *keys(): Generator<K> {
    for (const key of this.raw.keys()) yield this.#key.decode(key);
  }

  *values(): Generator<V> {
    for (const [, value] of this.entries()) yield value;
  }

  /** How many entries there are: counted, so it costs a walk over the map. */
  get size(): number {
    let count = 0;
    for (const _ of this.raw.keys()) count += 1;
    return count;
  }

  /** Removes every entry. Arrays refuse it. */
  clear(): void {
    for (const key of [...this.raw.keys()]) this.raw.delete(key.slice());
  }

  #encodeKey(key: K): Uint8Array {
    return this.#key.encode(key, `${this.name} key`);
  }
}

/** A map in which every processor has its own value: values are arrays, one element per possible CPU. */
export class PerCpuMap<K, V> implements Iterable<[K, V[]]> {
  readonly name: string;
  readonly raw: KernelMap;
  readonly #key: Codec<K>;
  readonly #value: Codec<V>;

  constructor(declaration: MapDeclaration, raw: KernelMap) {
    if (!declaration.key || !declaration.value || !isPerCpu(raw.type)) {
      throw new IovisorError("E_USAGE", `map "${declaration.name}" is not per CPU`, "use TypedMap");
    }
    this.name = declaration.name;
    this.raw = raw;
    this.#key = new Codec<K>(declaration.key);
    this.#value = new Codec<V>(declaration.value);
  }

  /** Each CPU's value. */
  get(key: K): V[] | undefined {
    const bytes = this.raw.lookup(this.#key.encode(key, `${this.name} key`));
    return bytes && this.#split(bytes);
  }

  has(key: K): boolean {
    return this.raw.has(this.#key.encode(key, `${this.name} key`));
  }

  set(key: K, values: readonly V[], mode: UpdateMode = "any"): boolean {
    const bytes = values.map((value, cpu) => this.#value.encode(value, `${this.name}[cpu ${cpu}]`));
    return this.raw.updatePerCpu(this.#key.encode(key, `${this.name} key`), bytes, { mode });
  }

  delete(key: K): boolean {
    return this.raw.delete(this.#key.encode(key, `${this.name} key`));
  }

  *entries(): Generator<[K, V[]]> {
    for (const [key, value] of this.raw.entries()) yield [this.#key.decode(key), this.#split(value)];
  }

  [Symbol.iterator](): Generator<[K, V[]]> {
    return this.entries();
  }

  #split(bytes: Uint8Array): V[] {
    return this.raw.splitPerCpu(bytes).map((part) => this.#value.decode(part));
  }
}

/** First in, first out (or last out, for a stack), filled by kernel code or by the host. */
export class TypedQueue<V> {
  readonly name: string;
  readonly raw: KernelMap;
  readonly #value: Codec<V>;

  constructor(declaration: MapDeclaration, raw: KernelMap) {
    if (!declaration.value) {
      throw new IovisorError("E_USAGE", `map "${declaration.name}" has no values`, "read it as events");
    }
    this.name = declaration.name;
    this.raw = raw;
    this.#value = new Codec<V>(declaration.value);
  }

  /** @throws E_FULL */
  push(value: V): void {
    this.raw.push(this.#value.encode(value, this.name));
  }

  pop(): V | undefined {
    const bytes = this.raw.pop();
    return bytes && this.#value.decode(bytes);
  }

  peek(): V | undefined {
    const bytes = this.raw.peek();
    return bytes && this.#value.decode(bytes);
  }
}
