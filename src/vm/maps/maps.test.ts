import assert from "node:assert/strict";
import { test } from "node:test";
import { Errno } from "../errno.ts";
import { createMap } from "./create.ts";
import { u32Bytes } from "./map.ts";
import { MapType } from "./spec.ts";

const key = u32Bytes;
const value = (...bytes: number[]) => Uint8Array.from(bytes);

test("an array has all its elements from the start and refuses indices beyond them", () => {
  const map = createMap({ type: "array", keySize: 4, valueSize: 2, maxEntries: 3 });
  assert.deepEqual(map.lookup(key(2)), value(0, 0));
  assert.equal(map.update(key(2), value(1, 2)), 0);
  assert.deepEqual(map.lookup(key(2)), value(1, 2));
  assert.equal(map.lookup(key(3)), undefined);
  assert.equal(map.update(key(3), value(1, 2)), Errno.E2BIG);
  assert.equal(map.update(key(0), value(1, 2), 1), Errno.EEXIST);
  assert.equal(map.delete(key(0)), Errno.EINVAL);
  assert.equal([...map.entries()].length, 3);
  assert.deepEqual(map.bytes.slice(16, 18), value(1, 2));
});

test("a per-CPU map shows the host all values, each padded to 8 bytes", () => {
  for (const type of ["percpu_array", "percpu_hash", "lru_percpu_hash"] as const) {
    const map = createMap({ type, keySize: 4, valueSize: 3, maxEntries: 2 }, { cpus: 2 });
    assert.equal(map.put(key(1), value(1, 2, 3), 0, 0), 0);
    assert.equal(map.put(key(1), value(7, 8, 9), 0, 1), 0);
    const all = value(1, 2, 3, 0, 0, 0, 0, 0, 7, 8, 9, 0, 0, 0, 0, 0);
    assert.deepEqual(map.lookup(key(1)), all, type);
    assert.equal(map.update(key(0), all), 0);
    assert.deepEqual(map.find(key(0), 1), value(7, 8, 9));
    assert.throws(() => map.update(key(0), value(1, 2, 3)), { code: "E_USAGE", message: /16 bytes, not 3/ });
  }
});

test("a hash refuses what is too much and keeps a replaced value for those who hold it", () => {
  const map = createMap({ type: "hash", keySize: 1, valueSize: 1, maxEntries: 2 });
  assert.equal(map.update(value(1), value(10), 2), Errno.ENOENT);
  assert.equal(map.update(value(1), value(10), 1), 0);
  const held = map.find(value(1), 0);
  assert.equal(map.update(value(1), value(11)), 0);
  assert.deepEqual(held, value(10));
  assert.equal(map.update(value(2), value(20)), 0);
  assert.equal(map.update(value(3), value(30)), Errno.E2BIG);
  assert.equal(map.delete(value(3)), Errno.ENOENT);
  assert.equal(map.delete(value(2)), 0);
  assert.equal(map.size, 1);
});

test("a full LRU hash gives up the element that was longest unused by programs", () => {
  const map = createMap({ type: "lru_hash", keySize: 1, valueSize: 1, maxEntries: 2 });
  map.update(value(1), value(10));
  map.update(value(2), value(20));
  map.lookup(value(1));
  map.find(value(2), 0);
  map.find(value(1), 0);
  map.update(value(3), value(30));
  assert.deepEqual(
    [...map.entries()].map(([found]) => found[0]),
    [1, 3],
  );
});

test("an LPM trie finds the longest prefix that is no longer than the key's", () => {
  const map = createMap({ type: "lpm_trie", keySize: 8, valueSize: 1, maxEntries: 10, flags: 1 });
  const prefix = (length: number, ...address: number[]) => value(length, 0, 0, 0, ...address);
  map.update(prefix(0, 0, 0, 0, 0), value(0));
  map.update(prefix(8, 10, 99, 99, 99), value(8));
  map.update(prefix(23, 10, 1, 2, 0), value(23));
  map.update(prefix(32, 10, 1, 3, 1), value(32));
  assert.deepEqual(map.lookup(prefix(32, 10, 1, 3, 1)), value(32));
  assert.deepEqual(map.lookup(prefix(32, 10, 1, 3, 2)), value(23));
  assert.deepEqual(map.lookup(prefix(16, 10, 1, 3, 1)), value(8));
  assert.deepEqual(map.lookup(prefix(32, 11, 1, 3, 1)), value(0));
  assert.equal(map.lookup(prefix(33, 10, 1, 3, 1)), undefined);
  assert.equal(map.delete(prefix(8, 10, 0, 0, 0)), 0);
  assert.deepEqual(map.lookup(prefix(32, 10, 9, 9, 9)), value(0));
  assert.equal([...map.entries()].length, 3);
});

test("queue and stack differ in their order only", () => {
  for (const [type, first] of [
    ["queue", 1],
    ["stack", 3],
  ] as const) {
    const map = createMap({ type, keySize: 0, valueSize: 1, maxEntries: 3 });
    for (const item of [1, 2, 3]) {
      assert.equal(map.push(value(item), 0), 0);
    }
    assert.equal(map.push(value(4), 0), Errno.E2BIG);
    assert.deepEqual(map.pop(), value(first));
    assert.equal(map.push(value(4), 0), 0);
    assert.equal(map.push(value(5), 2), 0);
    assert.equal([...map.entries()].length, 3);
  }
});

test("a ring buffer gives records in order, none behind a busy one, and room again after reading", () => {
  const map = createMap({ type: "ringbuf", keySize: 0, valueSize: 0, maxEntries: 4096 });
  const [first, second, third] = [map.reserve(8)!, map.reserve(8)!, map.reserve(8)!];
  second[0] = 2;
  map.commit(second, "ready");
  assert.deepEqual(map.drain(), []);
  map.commit(first, "discarded");
  assert.deepEqual(map.drain(), [second]);
  assert.equal(third.length, 8);
  assert.equal(map.query(0), 16);
  assert.equal(map.reserve(4096 - 16 - 8), undefined);
  assert.notEqual(map.reserve(4096 - 16 - 16), undefined);
});

test("a map of maps holds maps by key", () => {
  const inner = createMap({ type: "array", keySize: 4, valueSize: 4, maxEntries: 1 });
  const outer = createMap({ type: "hash_of_maps", keySize: 4, valueSize: 4, maxEntries: 1 });
  assert.equal(outer.setMap(key(7), inner), 0);
  assert.equal(outer.setMap(key(8), inner), Errno.E2BIG);
  assert.deepEqual(outer.lookup(key(7)), key(inner.id));
  assert.equal(outer.delete(key(7)), 0);
  assert.equal(outer.mapFor(key(7)), undefined);
});

test("bad specs and wrong sizes are refused", () => {
  const bad = [
    { type: "array", keySize: 8, valueSize: 4, maxEntries: 1 },
    { type: "hash", keySize: 0, valueSize: 4, maxEntries: 1 },
    { type: "lpm_trie", keySize: 4, valueSize: 4, maxEntries: 1 },
    { type: "ringbuf", keySize: 0, valueSize: 0, maxEntries: 5000 },
    { type: "queue", keySize: 4, valueSize: 4, maxEntries: 1 },
    { type: "devmap", keySize: 4, valueSize: 12, maxEntries: 1 },
    { type: "prog_array", keySize: 4, valueSize: 8, maxEntries: 1 },
    { type: 99, keySize: 4, valueSize: 8, maxEntries: 1 },
  ] as const;
  for (const spec of bad) {
    assert.throws(() => createMap(spec), { code: "E_USAGE" }, String(spec.type));
  }
  const map = createMap({ type: MapType.hash, keySize: 4, valueSize: 4, maxEntries: 1, name: "flows" });
  assert.throws(() => map.lookup(value(1)), { code: "E_USAGE", message: /map flows: a key has 4 bytes, not 1/ });
});
