import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import * as build from "../bytecode/build.ts";
import { KernelMap } from "./maps.ts";
import { KernelProgram } from "./programs.ts";
import { RingBuffer } from "./ringbuf.ts";
import { leakedDescriptors, openDescriptors } from "./sys/descriptor.ts";
import { skipWithoutBpf, u32, uniqueName } from "./testing.ts";

const skip = { skip: skipWithoutBpf, timeout: 20_000 };
const before = openDescriptors();
after(() => assert.deepEqual(leakedDescriptors(before), []));

const RESERVE = 131;
const SUBMIT = 132;
const DISCARD = 133;

/** A ring, a counter of refused reservations, and a program that writes { sequence: u64, 0 } per run. */
class Producer implements Disposable {
  readonly ring: KernelMap;
  readonly counters: KernelMap;
  readonly program: KernelProgram;

  constructor(size: number, discardOdd = false) {
    this.ring = KernelMap.create({ name: "ring", type: "ringbuf", keySize: 0, valueSize: 0, maxEntries: size });
    this.counters = KernelMap.create({ name: "counters", type: "array", keySize: 4, valueSize: 16, maxEntries: 1 });
    const instructions = [
      build.loadMapValue(6, 0, 0), // counters[0]: sequence, lost
      build.movImm(7, 1),
      build.atomic("fetch_add", 8, 6, 0, 7),
      build.loadMapFd(1, 0),
      build.movImm(2, 16),
      build.movImm(3, 0),
      build.callHelper(RESERVE),
      build.jump("ne", 0, 0, 4),
      build.movImm(1, 1),
      build.atomic("add", 8, 6, 8, 1),
      build.movImm(0, 1),
      build.exit(),
      build.store(8, 0, 0, 7),
      build.storeImm(8, 0, 8, 0),
      build.movReg(1, 0),
      build.movImm(2, 0),
      build.alu64("and", 7, 1),
      build.jump("eq", 7, 0, discardOdd ? 2 : 0),
      ...(discardOdd ? [build.callHelper(DISCARD), build.ja(1)] : []),
      build.callHelper(SUBMIT),
      build.movImm(0, 2),
      build.exit(),
    ];
    this.program = KernelProgram.load(
      {
        name: uniqueName(),
        type: "xdp",
        license: "GPL",
        instructions,
        mapReferences: [
          { index: 0, map: "counters", offset: 0 },
          { index: 3, map: "ring" },
        ],
      },
      { maps: { ring: this.ring, counters: this.counters } },
    );
  }

  run(count: number): void {
    this.program.testRun({ packet: new Uint8Array(64), repeat: count });
  }

  get lost(): number {
    const value = this.counters.lookup(u32(0))!;
    return Number(new DataView(value.buffer).getBigUint64(8, true));
  }

  [Symbol.dispose](): void {
    this.program.close();
    this.ring.close();
    this.counters.close();
  }
}

function sequence(view: DataView, offset: number): number {
  return Number(view.getBigUint64(offset, true));
}

test("every record arrives once and in order, over many turns of the ring", skip, () => {
  using producer = new Producer(4096);
  using ring = new RingBuffer(producer.ring);
  let expected = 0;
  for (let round = 0; round < 100; round++) {
    producer.run(100);
    const count = ring.drain((view, offset, length) => {
      assert.equal(length, 16);
      assert.equal(sequence(view, offset), expected++);
    });
    assert.equal(count, 100);
  }
  assert.equal(producer.lost, 0);
});

test("what a full ring loses is counted by the program: received + lost = produced", skip, () => {
  using producer = new Producer(4096);
  using ring = new RingBuffer(producer.ring);
  producer.run(1000);
  const received = ring.drain(() => {});
  assert.ok(received > 0 && producer.lost > 0);
  assert.equal(received + producer.lost, 1000);
});

test("discarded records are not seen", skip, () => {
  using producer = new Producer(65536, true);
  using ring = new RingBuffer(producer.ring);
  producer.run(100);
  const seen: number[] = [];
  ring.drain((view, offset) => seen.push(sequence(view, offset)));
  assert.deepEqual(
    seen,
    Array.from({ length: 50 }, (_, index) => index * 2),
  );
});

test("a watch is called on the event loop as records come, and not after close", skip, async () => {
  using producer = new Producer(65536);
  using ring = new RingBuffer(producer.ring);
  const seen: number[] = [];
  const watch = ring.watch((view, offset) => seen.push(sequence(view, offset)));
  for (let round = 1; round <= 20; round++) {
    producer.run(5);
    for (let tries = 0; seen.length < round * 5 && tries < 200; tries++) await sleep(1);
    assert.equal(seen.length, round * 5);
  }
  watch.close();
  producer.run(5);
  await sleep(10);
  assert.equal(seen.length, 100);
  assert.equal(
    ring.drain(() => {}),
    5,
  );
});

test("for await gives decoded records and ends on break, on abort and on close", skip, async () => {
  using producer = new Producer(65536);
  using ring = new RingBuffer(producer.ring);
  producer.run(10);
  const seen: number[] = [];
  for await (const record of ring.records({}, sequence)) {
    seen.push(record);
    if (seen.length === 5) producer.run(1);
    if (seen.length === 11) break;
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 11 }, (_, index) => index),
  );
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 5);
  for await (const _ of ring.records({ signal: abort.signal })) assert.fail("nothing was produced");
  const stream = ring.records();
  const waiting = stream.next();
  setTimeout(() => ring.close(), 5);
  assert.equal((await waiting).done, true);
  assert.throws(() => ring.drain(() => {}), /closed/);
});

test(
  "policy wait leaves records in the kernel; the drop policies drop the newest or the oldest and count",
  skip,
  async () => {
    const run = async (whenFull: "wait" | "drop-newest" | "drop-oldest") => {
      using producer = new Producer(65536);
      using ring = new RingBuffer(producer.ring);
      using stream = ring.records({ whenFull, capacity: 10 }, sequence);
      producer.run(100);
      await sleep(20);
      const first = (await stream.next()).value;
      return { first, dropped: stream.dropped, pending: ring.pending };
    };
    assert.deepEqual(await run("wait"), { first: 0, dropped: 0, pending: 90 * 24 });
    assert.deepEqual(await run("drop-newest"), { first: 0, dropped: 90, pending: 0 });
    assert.deepEqual(await run("drop-oldest"), { first: 90, dropped: 90, pending: 0 });
  },
);

test("batches give all that is there", skip, async () => {
  using producer = new Producer(65536);
  using ring = new RingBuffer(producer.ring);
  using stream = ring.records({ capacity: 64 }, sequence);
  producer.run(100);
  assert.equal((await stream.nextBatch())?.length, 64);
  assert.equal((await stream.nextBatch())?.length, 36);
});

test("readers that wait at the same time get one record each", skip, async () => {
  using producer = new Producer(65536);
  using ring = new RingBuffer(producer.ring);
  using stream = ring.records({}, sequence);
  const waiting = [stream.next(), stream.next(), stream.next()];
  await sleep(2);
  producer.run(3);
  assert.deepEqual((await Promise.all(waiting)).map((each) => each.value).sort(), [0, 1, 2]);
});

test("a map of another type is refused", skip, () => {
  using map = KernelMap.create({ name: uniqueName(), type: "array", keySize: 4, valueSize: 4, maxEntries: 1 });
  assert.throws(() => new RingBuffer(map), /not a ring buffer/);
});
