import assert from "node:assert/strict";
import { test } from "node:test";
import { CopyOnWrite } from "./copy-on-write.ts";

function withOne(): CopyOnWrite<string, number> {
  const map = new CopyOnWrite<string, number>();
  map.set("a", 1);
  return map;
}

test("what is written to a copy does not show in the original", () => {
  const original = withOne();
  const copy = original.copy();
  copy.set("a", 2);
  copy.set("b", 3);
  assert.deepEqual([...original], [["a", 1]]);
  assert.deepEqual(
    [...copy],
    [
      ["a", 2],
      ["b", 3],
    ],
  );
});

test("what is written to the original does not show in its copies, nor in copies of these", () => {
  const original = withOne();
  const copy = original.copy();
  const second = copy.copy();
  original.delete("a");
  copy.set("a", 5);
  assert.equal(original.size, 0);
  assert.equal(copy.get("a"), 5);
  assert.equal(second.get("a"), 1);
});

test("copies share their entries until one of them is written to", () => {
  const original = withOne();
  const copy = original.copy();
  assert.ok(original.sharesWith(copy));
  copy.delete("b");
  assert.ok(original.sharesWith(copy), "nothing was there to be deleted");
  copy.set("a", 1);
  assert.ok(!original.sharesWith(copy));
});

test("entries can be deleted while their keys are gone through", () => {
  const map = withOne();
  map.set("b", 2);
  const seen: string[] = [];
  for (const key of map.keys()) {
    seen.push(key);
    map.delete("a");
    map.delete("b");
  }
  assert.deepEqual(seen, ["a", "b"]);
  assert.equal(map.size, 0);
});
