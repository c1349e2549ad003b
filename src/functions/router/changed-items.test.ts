import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { keepImmutable } from "../../engine/host/immutable.ts";
import { type ChangedItems, changedItems } from "./changed-items.ts";
import { Random } from "./random.ts";

interface Item {
  readonly name: string;
}

const itemsOf = (...names: readonly string[]): readonly Item[] => names.map((name) => keepImmutable({ name }));

function between(before: readonly Item[], after: readonly Item[]): ChangedItems<Item> {
  return changedItems(before, after, ({ name }) => name);
}

function namesOf({ removed, added }: ChangedItems<Item>): object {
  return { removed: removed.map(({ name }) => name).toSorted(), added: added.map(({ name }) => name).toSorted() };
}

describe("what separates two lists", () => {
  it("is one item put in and one taken out, however far apart", () => {
    const before = itemsOf(..."abcdefgh");
    const after = [...itemsOf("x"), ...before.slice(0, 6), before[7]!];
    assert.deepEqual(namesOf(between(before, after)), { removed: ["g"], added: ["x"] });
    assert.deepEqual(namesOf(between(before, [...after, ...itemsOf("y")])), { removed: ["g"], added: ["x", "y"] });
  });

  it("is nothing where the order or the objects alone differ", () => {
    const before = itemsOf("a", "b", "b", "c");
    assert.deepEqual(namesOf(between(before, before.toReversed())), { removed: [], added: [] });
    assert.deepEqual(namesOf(between(before, itemsOf("b", "a", "c", "b"))), { removed: [], added: [] });
  });

  it("counts items that are there several times", () => {
    assert.deepEqual(namesOf(between(itemsOf("a", "a", "b"), itemsOf("b", "a"))), { removed: ["a"], added: [] });
    assert.deepEqual(namesOf(between(itemsOf("a"), itemsOf("b", "a", "a"))), { removed: [], added: ["a", "b"] });
  });

  it("makes the one list of the other", (t) => {
    for (let seed = 0; seed < 300; seed++) {
      const random = new Random(seed);
      const before = Array.from({ length: random.below(12) }, () => random.pick(itemsOf(..."abcdef")));
      const kept = before.filter(() => random.chance(70));
      const after = random.chance(50) ? kept.toSpliced(random.below(8), 1, ...itemsOf("b", "z")) : kept;
      const { removed, added } = between(before, after);
      const names = (list: readonly Item[]): readonly string[] => list.map(({ name }) => name).toSorted();
      assert.deepEqual(names([...before, ...added]), names([...after, ...removed]), `seed ${seed}`);
      const common = new Set(names(removed));
      assert.ok(!added.some(({ name }) => common.has(name)), `seed ${seed}`);
    }
    t.diagnostic("seeds 0 to 299");
  });
});
