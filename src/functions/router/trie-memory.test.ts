import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Random } from "./random.ts";
import { NoRoom, type Shared, SharedMemory } from "./trie-memory.ts";

const [first, end] = [1, 20_001];

/** Blocks that are taken and given back at random; no two share an element. */
class Churn {
  readonly memory = new SharedMemory();
  readonly pool: Shared = this.memory.pool(first, end);
  readonly #random: Random;
  readonly #blocks: { readonly at: number; readonly size: number }[] = [];
  readonly #taken = new Uint8Array(end);
  used = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  take(size: number): void {
    const at = this.pool.take(size);
    assert.ok(at >= first && at + size <= end);
    assert.ok(this.#taken.subarray(at, at + size).every((taken) => taken === 0));
    this.#taken.fill(1, at, at + size);
    this.#blocks.push({ at, size });
    this.used += size;
  }

  give(): void {
    const index = this.#random.below(this.#blocks.length);
    const { at, size } = this.#blocks[index]!;
    this.#blocks[index] = this.#blocks.at(-1)!;
    this.#blocks.pop();
    this.#taken.fill(0, at, at + size);
    this.pool.give(at, size);
    this.memory.reclaim();
    this.used -= size;
  }

  /** Small blocks for a while, then large ones, as routes of other lengths come and go. */
  run(steps: number, part: number): void {
    for (let step = 0; step < steps; step++) {
      const large = Math.floor(step / 20_000) % 2 === 1;
      const size = large ? 30 + this.#random.below(36) : 1 + this.#random.below(4);
      while (this.used + size > (end - first) * part) this.give();
      this.take(size);
    }
  }

  giveAll(): void {
    while (this.#blocks.length > 0) this.give();
  }
}

describe("memory that packets read", () => {
  it("has room for large blocks after a long time of small ones, and the other way round, half full", (t) => {
    for (const seed of [1, 2, 3]) {
      t.diagnostic(`seed ${seed}`);
      new Churn(seed).run(200_000, 0.5);
    }
  });

  it("is whole again when all was given back", (t) => {
    t.diagnostic("seed 5");
    const churn = new Churn(5);
    for (let round = 0; round < 5; round++) {
      churn.run(30_000, 0.5);
      churn.giveAll();
      for (let count = 0; count < Math.floor((end - first) / 65); count++) churn.take(65);
      churn.take((end - first) % 65);
      assert.throws(() => churn.take(1), NoRoom);
      churn.giveAll();
    }
  });

  it("keeps what was given back as it is until it is reclaimed", () => {
    const memory = new SharedMemory();
    const pool = memory.pool(0, 10);
    const block = pool.take(10);
    pool.give(block, 10);
    assert.throws(() => pool.take(1), NoRoom);
    memory.reclaim();
    assert.equal(pool.take(10), block);
  });
});
