import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, test } from "node:test";
import { IovisorError } from "../../errors.ts";
import { DEFAULT_BPFFS, unpin } from "../bpffs.ts";
import { mapFlags } from "../sys/constants.ts";
import { leakedDescriptors, openDescriptors } from "../sys/descriptor.ts";
import { readU64, skipWithoutBpf, u32, u64, uniqueName } from "../testing.ts";
import { KernelMap } from "./map.ts";
import { cpuCount, type MapSpec, mapDifference, possibleCpus } from "./spec.ts";

const skip = { skip: skipWithoutBpf };
const before = openDescriptors();
after(() => assert.deepEqual(leakedDescriptors(before), []));

function hash(overrides: Partial<MapSpec> = {}): MapSpec {
  return { name: uniqueName(), type: "hash", keySize: 4, valueSize: 8, maxEntries: 64, ...overrides };
}

function code(expected: string) {
  return (error: unknown) => error instanceof IovisorError && error.code === expected && error.remedy.length > 0;
}

test("a hash map stores, finds, replaces and deletes", skip, () => {
  using map = KernelMap.create(hash());
  assert.equal(map.lookup(u32(1)), undefined);
  assert.equal(map.update(u32(1), u64(10n)), true);
  assert.deepEqual(map.lookup(u32(1)), u64(10n));
  assert.equal(map.update(u32(1), u64(11n), { mode: "create" }), false);
  assert.equal(map.update(u32(2), u64(11n), { mode: "replace" }), false);
  assert.equal(map.update(u32(1), u64(12n), { mode: "replace" }), true);
  assert.deepEqual(map.lookup(u32(1)), u64(12n));
  const into = new Uint8Array(8);
  assert.equal(map.lookupInto(u32(1), into), true);
  assert.equal(readU64(into), 12n);
  assert.deepEqual(map.lookupAndDelete(u32(1)), u64(12n));
  assert.equal(map.has(u32(1)), false);
  assert.equal(map.delete(u32(1)), false);
});

test("a full map, a wrong size and an array's bounds each give their own error", skip, () => {
  using map = KernelMap.create(hash({ maxEntries: 2 }));
  map.update(u32(1), u64(1n));
  map.update(u32(2), u64(1n));
  assert.throws(() => map.update(u32(3), u64(1n)), code("E_FULL"));
  assert.throws(() => map.update(u32(3), u32(1)), code("E_USAGE"));
  assert.throws(() => map.lookup(u64(3n)), code("E_USAGE"));
  using array = KernelMap.create(hash({ type: "array", maxEntries: 2 }));
  assert.throws(() => array.update(u32(2), u64(1n)), code("E_USAGE"));
  assert.throws(() => array.delete(u32(1)), code("E_USAGE"));
  assert.equal(array.lookup(u32(2)), undefined);
  using queue = KernelMap.create(hash({ type: "queue", keySize: 0, maxEntries: 1 }));
  queue.push(u64(1n));
  assert.throws(() => queue.push(u64(2n)), code("E_FULL"));
  using trie = KernelMap.create(hash({ type: "lpm_trie", keySize: 8, maxEntries: 1 }));
  trie.update(Uint8Array.of(8, 0, 0, 0, 10, 0, 0, 0), u64(1n));
  assert.throws(() => trie.update(Uint8Array.of(8, 0, 0, 0, 11, 0, 0, 0), u64(1n)), code("E_FULL"));
});

test("iteration sees every entry once, over many batches, and while entries are deleted", skip, () => {
  for (const type of ["hash", "lru_hash", "array", "lpm_trie"] as const) {
    const count = 3000;
    using map = KernelMap.create(
      hash({ type, maxEntries: type === "lru_hash" ? 16384 : count, keySize: type === "lpm_trie" ? 8 : 4 }),
    );
    const key = (index: number) =>
      type === "lpm_trie" ? Uint8Array.of(32, 0, 0, 0, 10, 0, index >> 8, index & 255) : u32(index);
    for (let index = 0; index < count; index++) map.update(key(index), u64(BigInt(index)));
    const seen = [...map].map(([, value]) => Number(readU64(value))).sort((a, b) => a - b);
    assert.deepEqual(
      seen,
      Array.from({ length: count }, (_, index) => index),
      type,
    );
    if (type === "array") continue;
    let visited = 0;
    for (const key of map.keys()) {
      visited++;
      assert.equal(map.delete(key), true);
    }
    assert.equal(visited, count, type);
    assert.deepEqual([...map.keys()], [], type);
  }
});

test("batches write, read, take out and delete", skip, () => {
  using map = KernelMap.create(hash({ maxEntries: 5000 }));
  const count = 5000;
  const keys = new Uint32Array(count).map((_, index) => index * 7);
  const values = new BigUint64Array(count).map((_, index) => BigInt(index));
  map.batchUpdate({ count, keys: new Uint8Array(keys.buffer), values: new Uint8Array(values.buffer) });
  let total = 0n;
  let read = 0;
  for (const chunk of map.batchLookup()) {
    read += chunk.count;
    for (let index = 0; index < chunk.count; index++) total += readU64(chunk.values, index * 8);
  }
  assert.equal(read, count);
  assert.equal(total, BigInt((count * (count - 1)) / 2));
  const some = new Uint32Array([7, 8, 14, 9, 21]);
  assert.equal(map.batchDelete(new Uint8Array(some.buffer)), 3);
  let taken = 0;
  for (const chunk of map.batchLookupAndDelete()) taken += chunk.count;
  assert.equal(taken, count - 3);
  assert.deepEqual([...map], []);
  using small = KernelMap.create(hash({ maxEntries: 10 }));
  const tooMany = { count: 11, keys: new Uint8Array(44).map((_, index) => index), values: new Uint8Array(88) };
  assert.throws(() => small.batchUpdate(tooMany), code("E_FULL"));
});

test("clear empties hashes and queues and zeroes arrays", skip, () => {
  using map = KernelMap.create(hash());
  using array = KernelMap.create(hash({ type: "array" }));
  using queue = KernelMap.create(hash({ type: "queue", keySize: 0 }));
  for (let index = 0; index < 20; index++) {
    map.update(u32(index), u64(1n));
    array.update(u32(index), u64(1n));
    queue.push(u64(1n));
  }
  for (const each of [map, array, queue]) each.clear();
  assert.deepEqual([...map], []);
  assert.deepEqual(array.lookup(u32(3)), u64(0n));
  assert.equal(queue.peek(), undefined);
});

test("queues are first in, first out and stacks last in, first out", skip, () => {
  for (const [type, order] of [
    ["queue", [1n, 2n]],
    ["stack", [2n, 1n]],
  ] as const) {
    using map = KernelMap.create(hash({ type, keySize: 0 }));
    map.push(u64(1n));
    map.push(u64(2n));
    assert.equal(readU64(map.peek()!), order[0]);
    assert.deepEqual([readU64(map.pop()!), readU64(map.pop()!)], order);
    assert.equal(map.pop(), undefined);
  }
});

test("per-CPU maps hold one value per possible CPU, whatever its size", skip, () => {
  for (const type of ["percpu_hash", "percpu_array", "lru_percpu_hash"] as const) {
    using map = KernelMap.create(hash({ type, valueSize: 4, maxEntries: 100 }));
    const values = Array.from({ length: possibleCpus() }, (_, cpu) => u32(cpu + 100));
    assert.equal(map.updatePerCpu(u32(3), values), true);
    assert.deepEqual(map.lookupPerCpu(u32(3)), values);
    const found = [...map].filter(([key]) => key[0] === 3);
    assert.deepEqual(
      found.map(([, raw]) => map.splitPerCpu(raw)),
      [values],
      type,
    );
    assert.throws(() => map.updatePerCpu(u32(3), []), code("E_USAGE"));
  }
});

test("a duplicate is the same map with a descriptor of its own", skip, () => {
  const first = KernelMap.create(hash());
  using second = first.duplicate();
  first.update(u32(1), u64(5n));
  first.close();
  assert.deepEqual(second.lookup(u32(1)), u64(5n));
});

test("maps of maps hold maps of the declared shape only", skip, () => {
  const inner = hash({ type: "array", maxEntries: 4 });
  for (const type of ["array_of_maps", "hash_of_maps"] as const) {
    using outer = KernelMap.create(hash({ type, valueSize: 4, inner }));
    using first = KernelMap.create(inner);
    outer.updateDescriptor(u32(5), first);
    const id = new DataView(outer.lookup(u32(5))!.buffer).getUint32(0, true);
    assert.equal(id, first.info().id);
    using again = KernelMap.fromId(id);
    again.update(u32(0), u64(9n));
    assert.deepEqual(first.lookup(u32(0)), u64(9n));
    assert.deepEqual(
      [...outer].map(([key]) => key),
      [u32(5)],
    );
    using other = KernelMap.create(hash());
    assert.throws(() => outer.updateDescriptor(u32(5), other), code("E_USAGE"));
    assert.equal(outer.delete(u32(5)), true);
  }
  assert.throws(() => KernelMap.create(hash({ type: "array_of_maps", valueSize: 4 })), code("E_USAGE"));
});

test("a mapped array is the same memory as the map, and unreachable after close", skip, () => {
  const map = KernelMap.create(hash({ type: "array", valueSize: 12, flags: mapFlags.mmapable }));
  const view = map.view();
  assert.equal(view.stride, 16);
  assert.equal(view.bytes.length, 64 * 16);
  view.bytes.set([1, 2, 3], 2 * view.stride);
  assert.deepEqual([...map.lookup(u32(2))!.subarray(0, 4)], [1, 2, 3, 0]);
  map.update(u32(3), new Uint8Array(12).fill(7));
  assert.equal(view.bytes[3 * view.stride + 11], 7);
  map.close();
  assert.equal(view.bytes.length, 0);
  assert.equal(view.bytes[0], undefined);
  using plain = KernelMap.create(hash({ type: "array" }));
  assert.throws(() => plain.view(), code("E_USAGE"));
});

test("a frozen map refuses writes and can still be read and mapped", skip, () => {
  using map = KernelMap.create(hash({ type: "array", flags: mapFlags.mmapable }));
  map.update(u32(0), u64(5n));
  map.freeze();
  assert.throws(() => map.update(u32(0), u64(6n)), code("E_PERMISSION"));
  assert.deepEqual(map.lookup(u32(0)), u64(5n));
  const view = map.view();
  assert.equal(view.writable, false);
  assert.equal(view.bytes[0], 5);
});

test("information and bpftool agree with the spec", skip, () => {
  const spec = hash({ type: "lru_hash", maxEntries: 128 });
  using map = KernelMap.create(spec);
  map.update(u32(0x01020304), u64(0x0807060504030201n));
  const info = map.info();
  assert.equal(mapDifference(spec, info), undefined);
  assert.match(mapDifference({ ...spec, keySize: 8 }, info) ?? "", /keys of 4 bytes instead of 8/);
  const shown = JSON.parse(execFileSync("bpftool", ["map", "show", "id", String(info.id), "-j"], { encoding: "utf8" }));
  assert.equal(shown.name, spec.name);
  assert.equal(shown.type, "lru_hash");
  assert.equal(shown.max_entries, 128);
  const dump = JSON.parse(execFileSync("bpftool", ["map", "dump", "id", String(info.id), "-j"], { encoding: "utf8" }));
  assert.deepEqual(dump[0].key, ["0x04", "0x03", "0x02", "0x01"]);
  assert.deepEqual(
    dump[0].value,
    [1, 2, 3, 4, 5, 6, 7, 8].map((byte) => `0x0${byte}`),
  );
});

test("a pinned map outlives its descriptor, and pins never overwrite each other", skip, () => {
  const directory = `${DEFAULT_BPFFS}/${uniqueName()}`;
  try {
    const spec = hash();
    {
      using map = KernelMap.create(spec);
      map.update(u32(1), u64(42n));
      map.pin(`${directory}/deep/map`);
      assert.throws(() => map.pin(`${directory}/deep/map`), code("E_BUSY"));
      assert.throws(() => map.pin("/tmp/not-on-bpffs"), code("E_USAGE"));
    }
    using again = KernelMap.fromPin(`${directory}/deep/map`);
    assert.equal(mapDifference(spec, again), undefined);
    assert.deepEqual(again.lookup(u32(1)), u64(42n));
  } finally {
    unpin(directory);
  }
  assert.throws(() => KernelMap.fromPin(`${directory}/deep/map`), code("E_USAGE"));
});

test("a closed map refuses every use", skip, () => {
  const map = KernelMap.create(hash());
  map.close();
  assert.throws(() => map.lookup(u32(1)), /closed/);
  assert.throws(() => [...map], /closed/);
});

test("the list of possible CPUs is read in all its forms", () => {
  assert.equal(cpuCount("0\n"), 1);
  assert.equal(cpuCount("0-3\n"), 4);
  assert.equal(cpuCount("0-3,8,10-11"), 12);
});
