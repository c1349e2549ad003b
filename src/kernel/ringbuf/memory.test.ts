import assert from "node:assert/strict";
import { test } from "node:test";
import { type RingMemory, RingReader } from "./memory.ts";

const BUSY = 0x80000000;
const DISCARDED = 0x40000000;

/** A ring in plain memory with a producer's side, so that each state of the protocol can be made. */
class FakeRing {
  readonly memory: RingMemory;
  readonly #producer: BigUint64Array;
  readonly #consumer: BigUint64Array;
  readonly #view: DataView;
  position: number;

  constructor(size: number, start = 0) {
    const producer = new ArrayBuffer(4096 + 2 * size);
    this.memory = { consumer: new ArrayBuffer(4096), producer, dataOffset: 4096, size };
    this.#producer = new BigUint64Array(producer, 0, 1);
    this.#consumer = new BigUint64Array(this.memory.consumer, 0, 1);
    this.#view = new DataView(producer);
    this.position = start;
    this.#producer[0] = BigInt(start);
    this.#consumer[0] = BigInt(start);
  }

  get consumed(): bigint {
    return this.#consumer[0]!;
  }

  /** Writes a record and, as the kernel's double mapping does, its mirror image. */
  add(bytes: readonly number[], flags = 0): number {
    const start = this.position;
    const put = (position: number, value: number) => {
      const at = position % this.memory.size;
      this.#view.setUint8(4096 + at, value);
      this.#view.setUint8(4096 + at + this.memory.size, value);
    };
    const header = new DataView(new ArrayBuffer(8));
    header.setUint32(0, (bytes.length | flags) >>> 0, true);
    for (let index = 0; index < 8; index++) put(start + index, header.getUint8(index));
    for (const [index, byte] of bytes.entries()) put(start + 8 + index, byte);
    this.position = start + ((bytes.length + 15) & ~7);
    this.#producer[0] = BigInt(this.position);
    return start;
  }

  submit(start: number, length: number): void {
    const at = start % this.memory.size;
    this.#view.setUint32(4096 + at, length, true);
    this.#view.setUint32(4096 + at + this.memory.size, length, true);
  }
}

function read(reader: RingReader, limit = Number.POSITIVE_INFINITY): number[][] {
  const records: number[][] = [];
  reader.drain((view, offset, length) => {
    records.push([...new Uint8Array(view.buffer, offset, length)]);
  }, limit);
  return records;
}

test("records come in order, discarded ones are skipped, and the space is given back", () => {
  const ring = new FakeRing(4096);
  const reader = new RingReader(ring.memory);
  assert.deepEqual(read(reader), []);
  ring.add([1, 2, 3]);
  ring.add([9], DISCARDED);
  ring.add([4, 5, 6, 7, 8, 9, 10, 11, 12]);
  assert.equal(reader.pending, ring.position);
  assert.deepEqual(read(reader), [
    [1, 2, 3],
    [4, 5, 6, 7, 8, 9, 10, 11, 12],
  ]);
  assert.equal(ring.consumed, BigInt(ring.position));
  assert.equal(reader.pending, 0);
});

test("reading stops at a record that is not submitted yet, and goes on when it is", () => {
  const ring = new FakeRing(4096);
  const reader = new RingReader(ring.memory);
  ring.add([1]);
  const busy = ring.add([2], BUSY);
  ring.add([3]);
  assert.deepEqual(read(reader), [[1]]);
  assert.equal(ring.consumed, BigInt(busy));
  assert.deepEqual(read(reader), []);
  ring.submit(busy, 1);
  assert.deepEqual(read(reader), [[2], [3]]);
});

test("a record across the end of the ring is read whole", () => {
  const ring = new FakeRing(64);
  const reader = new RingReader(ring.memory);
  for (let round = 0; round < 50; round++) {
    const bytes = Array.from({ length: 1 + (round % 40) }, (_, index) => (round + index) & 255);
    ring.add(bytes);
    assert.deepEqual(read(reader), [bytes], `round ${round}`);
  }
});

test("positions past 2^32 and past 2^31 bytes are handled", () => {
  for (const start of [2 ** 31 - 16, 2 ** 32 - 16, 2 ** 40 - 16]) {
    const ring = new FakeRing(4096, start);
    const reader = new RingReader(ring.memory);
    for (let index = 0; index < 5; index++) ring.add([index]);
    assert.equal(reader.pending, 80);
    assert.deepEqual(read(reader), [[0], [1], [2], [3], [4]]);
    assert.equal(ring.consumed, BigInt(start + 80));
  }
});

test("a limit ends the drain, and a visitor that throws has consumed its record", () => {
  const ring = new FakeRing(4096);
  const reader = new RingReader(ring.memory);
  for (let index = 0; index < 4; index++) ring.add([index]);
  assert.deepEqual(read(reader, 1), [[0]]);
  assert.throws(
    () =>
      reader.drain(() => {
        throw new RangeError("no");
      }, 10),
    RangeError,
  );
  assert.deepEqual(read(reader), [[2], [3]]);
});

test("a visitor that closes the reader ends the drain without a further touch", () => {
  const ring = new FakeRing(4096);
  const reader = new RingReader(ring.memory);
  ring.add([1]);
  ring.add([2]);
  let visited = 0;
  reader.drain(() => {
    visited++;
    reader.close();
  }, 10);
  assert.equal(visited, 1);
  assert.equal(ring.consumed, 0n);
});
