/** A map in the kernel. Keys and values are raw bytes here; typed access is built on top. */
import { IovisorError, NotSupported } from "../../errors.ts";
import { openPinned, pinObject } from "../bpffs.ts";
import type { BtfObject } from "../btf.ts";
import { mapCreate, mapFreeze, mapTypes, openById } from "../sys/bpf.ts";
import { Descriptor } from "../sys/descriptor.ts";
import { errno } from "../sys/errno.ts";
import { duplicate } from "../sys/native.ts";
import { checked, systemError } from "../system-error.ts";
import {
  type BatchTarget,
  batchDelete,
  batchUpdate,
  type PackedEntries,
  packedEntries,
  singleEntries,
} from "./batch.ts";
import { ElementCalls } from "./elements.ts";
import { mapFailure, sizeError } from "./failure.ts";
import { type MapInfo, readMapInfo } from "./info.ts";
import {
  creationFlags,
  isArray,
  isMapOfMaps,
  isPerCpu,
  type MapSpec,
  perCpuStride,
  possibleCpus,
  valueBytes,
} from "./spec.ts";
import { type MapView, mapView } from "./view.ts";

/** How an update treats a key that exists: always write, only create, only replace. */
export type UpdateMode = "any" | "create" | "replace";

/** Options of single-element calls. */
export interface UpdateOptions {
  readonly mode?: UpdateMode;
  /** Take the value's spin lock (its layout must have one). */
  readonly locked?: boolean;
}

const updateFlags = { any: 0, create: 1, replace: 2 } as const;
const BPF_F_LOCK = 4;

/** Arguments of {@link KernelMap.create} beside the spec. */
export interface MapCreationOptions {
  /** Where `spec.btf`'s ids come from. */
  readonly btf?: BtfObject;
}

/** A map and its descriptor. The map lives on while programs, pins or other descriptors hold it. */
export class KernelMap implements Disposable {
  readonly name: string;
  readonly type: MapSpec["type"];
  readonly keySize: number;
  /** Bytes of one value; for per-CPU maps of one CPU's value. */
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  /** Bytes that a lookup returns: for per-CPU maps all CPUs' values, each at a multiple of 8. */
  readonly valueBytes: number;
  readonly #descriptor: Descriptor;
  readonly #elements: ElementCalls;
  readonly #views = new Set<MapView>();

  private constructor(fd: number, shape: Omit<MapSpec, "inner" | "btf">) {
    this.name = shape.name;
    this.type = shape.type;
    this.keySize = shape.keySize;
    this.valueSize = shape.valueSize;
    this.maxEntries = shape.maxEntries;
    this.flags = shape.flags ?? 0;
    this.valueBytes = valueBytes(shape.type, shape.valueSize);
    this.#descriptor = new Descriptor(fd, `map ${shape.name}`);
    this.#elements = new ElementCalls(fd, shape.keySize, this.valueBytes);
  }

  /** Makes a map. Errors: E_PERMISSION, E_USAGE (sizes that the type refuses), NotSupported (unknown type). */
  static create(spec: MapSpec, options: MapCreationOptions = {}): KernelMap {
    if (isMapOfMaps(spec.type) && !spec.inner) {
      throw new IovisorError(
        "E_USAGE",
        `map "${spec.name}" of type ${spec.type} lacks \`inner\``,
        "give the inner shape",
      );
    }
    using inner = spec.inner ? KernelMap.create(spec.inner, options) : undefined;
    const flags = creationFlags(spec);
    const fd = mapCreate({
      type: mapTypes[spec.type],
      keySize: spec.keySize,
      valueSize: spec.valueSize,
      maxEntries: spec.maxEntries,
      flags,
      name: spec.name,
      mapExtra: spec.extra ?? 0,
      innerMapFd: inner?.fd ?? 0,
      ...(spec.btf && options.btf
        ? { btfFd: options.btf.fd, btfKeyTypeId: spec.btf.key, btfValueTypeId: spec.btf.value }
        : {}),
    });
    if (fd < 0) throw creationError(spec, fd);
    const map = new KernelMap(fd, { ...spec, flags });
    if (spec.contents) map.update(new Uint8Array(spec.keySize), spec.contents);
    return map;
  }

  /** Takes over a descriptor of an existing map. */
  static fromFd(fd: number): KernelMap {
    return new KernelMap(fd, readMapInfo(fd));
  }

  /** Opens a pinned map. */
  static fromPin(path: string): KernelMap {
    return KernelMap.fromFd(openPinned(path));
  }

  /** Opens a map by its machine-wide id. Needs CAP_SYS_ADMIN. */
  static fromId(id: number): KernelMap {
    return KernelMap.fromFd(checked(openById("map", id), `opening map ${id}`));
  }

  get fd(): number {
    return this.#descriptor.fd;
  }

  /** Another object, with a descriptor of its own, for the same map. */
  duplicate(): KernelMap {
    return KernelMap.fromFd(checked(duplicate(this.fd), `duplicating the descriptor of map ${this.name}`));
  }

  /** What the kernel tells about it (id, flags, BTF). */
  info(): MapInfo {
    return readMapInfo(this.fd);
  }

  /** A copy of the value, or undefined. Per-CPU maps: all CPUs' values; see {@link lookupPerCpu}. */
  lookup(key: Uint8Array, options: { locked?: boolean } = {}): Uint8Array | undefined {
    return this.#find(key, options.locked ? BPF_F_LOCK : 0) ? this.#elements.value.slice() : undefined;
  }

  /** As {@link lookup}, without an allocation: fills `into` and tells whether the key exists. */
  lookupInto(key: Uint8Array, into: Uint8Array): boolean {
    if (into.length !== this.valueBytes) throw sizeError(this, "value", into.length, this.valueBytes);
    if (!this.#find(key, 0)) return false;
    into.set(this.#elements.value);
    return true;
  }

  /** Each possible CPU's value, without the padding between them. */
  lookupPerCpu(key: Uint8Array): Uint8Array[] | undefined {
    const all = this.lookup(key);
    return all && this.splitPerCpu(all);
  }

  /** Cuts a per-CPU map's raw value (as {@link entries} yields) into each CPU's part; no copy. */
  splitPerCpu(raw: Uint8Array): Uint8Array[] {
    const stride = isPerCpu(this.type) ? perCpuStride(this.valueSize) : this.valueSize;
    const cpus = isPerCpu(this.type) ? possibleCpus() : 1;
    return Array.from({ length: cpus }, (_, cpu) => raw.subarray(cpu * stride, cpu * stride + this.valueSize));
  }

  has(key: Uint8Array): boolean {
    return this.#find(key, 0);
  }

  /**
   * Writes a value; returns false if `mode` forbade it ("create" and the key exists, "replace" and it does not).
   * Errors: E_FULL, E_USAGE (index out of range, wrong size).
   */
  update(key: Uint8Array, value: Uint8Array, options: UpdateOptions = {}): boolean {
    this.#setKey(key);
    if (value.length !== this.valueBytes) throw sizeError(this, "value", value.length, this.valueBytes);
    this.#elements.value.set(value);
    const mode = options.mode ?? "any";
    const result = this.#elements.update(updateFlags[mode] | (options.locked ? BPF_F_LOCK : 0));
    if (result >= 0) return true;
    if (mode === "create" && result === -errno.EEXIST) return false;
    if (mode === "replace" && result === -errno.ENOENT) return false;
    throw mapFailure(this, "update", result);
  }

  /** Writes one value per possible CPU. */
  updatePerCpu(key: Uint8Array, values: readonly Uint8Array[], options: UpdateOptions = {}): boolean {
    const raw = new Uint8Array(this.valueBytes);
    const parts = this.splitPerCpu(raw);
    if (parts.length !== values.length) {
      const message = `map "${this.name}" has a value for each of ${parts.length} CPUs, not ${values.length}`;
      throw new IovisorError("E_USAGE", message, "pass one value per possible CPU (`possibleCpus()`)");
    }
    parts.forEach((part, cpu) => {
      const value = values[cpu]!;
      if (value.length !== part.length) throw sizeError(this, "value", value.length, part.length);
      part.set(value);
    });
    return this.update(key, raw, options);
  }

  /** Writes a descriptor as value: an inner map's, a program's (prog arrays), a device map entry's is plain bytes. */
  updateDescriptor(key: Uint8Array, object: { readonly fd: number }): void {
    const value = new Uint8Array(4);
    new DataView(value.buffer).setUint32(0, object.fd, true);
    this.update(key, value);
  }

  /** Deletes; returns false if the key was absent. Arrays refuse it with E_USAGE. */
  delete(key: Uint8Array): boolean {
    this.#setKey(key);
    const result = this.#elements.delete();
    if (result >= 0) return true;
    if (result === -errno.ENOENT) return false;
    throw mapFailure(this, "delete", result);
  }

  /** Takes an entry out, atomically (hashes: Linux 5.14). */
  lookupAndDelete(key: Uint8Array): Uint8Array | undefined {
    this.#setKey(key);
    const result = this.#elements.lookupAndDelete(0);
    if (result >= 0) return this.#elements.value.slice();
    if (result === -errno.ENOENT) return undefined;
    throw mapFailure(this, "lookup and delete", result);
  }

  /** Queues and stacks: adds a value. E_FULL when there is no room. */
  push(value: Uint8Array): void {
    this.update(new Uint8Array(0), value);
  }

  /** Queues and stacks: takes the next value out. */
  pop(): Uint8Array | undefined {
    return this.lookupAndDelete(new Uint8Array(0));
  }

  /** Queues and stacks: the next value, which stays. */
  peek(): Uint8Array | undefined {
    return this.lookup(new Uint8Array(0));
  }

  /** All entries, read in batches where the kernel can; see {@link packedEntries} for concurrent changes. */
  *entries(): Generator<[key: Uint8Array, value: Uint8Array]> {
    const { keySize, valueBytes: size } = this;
    for (const { count, keys, values } of packedEntries(this.#batchTarget())) {
      for (let index = 0; index < count; index++) {
        yield [
          keys.subarray(index * keySize, (index + 1) * keySize),
          values.subarray(index * size, (index + 1) * size),
        ];
      }
    }
  }

  [Symbol.iterator](): Generator<[key: Uint8Array, value: Uint8Array]> {
    return this.entries();
  }

  /**
   * The entries behind a key, read one by one: for walks that go on later where they ended. A hash that does not have
   * the key any more begins anew (kernel/bpf/hashtab.c, htab_map_get_next_key).
   */
  *entriesAfter(key: Uint8Array): Generator<[key: Uint8Array, value: Uint8Array]> {
    if (key.length !== this.keySize) throw sizeError(this, "key", key.length, this.keySize);
    for (const { keys, values } of singleEntries(this.#batchTarget(), key)) yield [keys, values];
  }

  *keys(): Generator<Uint8Array> {
    for (const [key] of this.entries()) yield key;
  }

  /** All entries in chunks of packed buffers: the fastest way to read a large map. */
  batchLookup(): Generator<PackedEntries> {
    return packedEntries(this.#batchTarget());
  }

  /** As {@link batchLookup}, and takes the entries out (hashes only; Linux 5.6). */
  batchLookupAndDelete(): Generator<PackedEntries> {
    return packedEntries(this.#batchTarget(), true);
  }

  /** Writes many entries. */
  batchUpdate(entries: PackedEntries): void {
    batchUpdate(this.#batchTarget(), entries);
  }

  /** Deletes many keys, packed; returns how many were there. */
  batchDelete(keys: Uint8Array): number {
    return batchDelete(this.#batchTarget(), keys);
  }

  /** Deletes all entries; an array's values become zero. */
  clear(): void {
    if (this.keySize === 0) {
      while (this.pop() !== undefined);
      return;
    }
    const zeroes = isArray(this.type) && !holdsDescriptors(this.type);
    for (const { count, keys, values } of this.batchLookup()) {
      const present = keys.subarray(0, count * this.keySize);
      if (zeroes) this.batchUpdate({ count, keys: present, values: values.fill(0) });
      else this.batchDelete(present);
    }
  }

  /** Refuses writes from user space from now on, for good; programs still write unless flags forbid it. */
  freeze(): void {
    checked(mapFreeze(this.fd), `freezing map "${this.name}"`, "close writable views of the map first");
  }

  /** Makes it outlive this process, at a path under a bpffs. */
  pin(path: string): void {
    pinObject(this.fd, path, `map "${this.name}"`);
  }

  /** The memory of an array that was made with `mapFlags.mmapable`: reads and writes without system calls. */
  view(): MapView {
    const view = mapView(this, this.fd, () => this.#views.delete(view));
    this.#views.add(view);
    return view;
  }

  /** Gives up this descriptor; views of the map are closed. */
  close(): void {
    for (const view of this.#views) view.close();
    this.#descriptor.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #setKey(key: Uint8Array): void {
    if (key.length !== this.keySize) throw sizeError(this, "key", key.length, this.keySize);
    if (this.#descriptor.closed) throw new TypeError(`map ${this.name} is closed`);
    this.#elements.key.set(key);
  }

  #find(key: Uint8Array, flags: number): boolean {
    this.#setKey(key);
    const result = this.#elements.lookup(flags);
    if (result >= 0) return true;
    if (result === -errno.ENOENT) return false;
    // An index past the end is simply absent.
    if (result === -errno.E2BIG) return false;
    throw mapFailure(this, "lookup", result);
  }

  #batchTarget(): BatchTarget {
    return {
      fd: this.fd,
      keySize: this.keySize,
      valueBytes: this.valueBytes,
      maxEntries: this.maxEntries,
      elements: this.#elements,
      fail: (action, result) => mapFailure(this, action, result),
    };
  }
}

function holdsDescriptors(type: MapSpec["type"]): boolean {
  return type !== "array" && type !== "percpu_array";
}

function creationError(spec: MapSpec, result: number): Error {
  const sizes = `${spec.keySize}-byte keys, ${spec.valueSize}-byte values, ${spec.maxEntries} entries`;
  const what = `creating map "${spec.name}" (${spec.type}, ${sizes})`;
  if (result === -errno.EINVAL) {
    return new NotSupported(
      `map type ${spec.type}`,
      `${what} failed: the kernel lacks the type or refuses these sizes or flags`,
    );
  }
  if (result === -errno.E2BIG || result === -errno.ENOMEM) {
    return systemError(what, result, "lower maxEntries or the value's size");
  }
  return systemError(what, result);
}
