import assert from "node:assert/strict";
import { test } from "node:test";
import { bootstrap, geometricMean, mean, median, quantile, randomNumbers } from "./statistics.ts";

test("quantiles lie between the neighbours in order", () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.equal(quantile([0, 10], 0.95), 9.5);
  assert.equal(quantile([7], 0.05), 7);
});

test("ratios that cancel have a geometric mean of one", () => {
  assert.ok(Math.abs(geometricMean([0.5, 2, 0.25, 4]) - 1) < 1e-12);
});

test("the bootstrap's interval holds the value and shrinks with more samples", () => {
  const random = randomNumbers(7);
  const samples = (count: number) => Array.from({ length: count }, () => random());
  const estimate = ([list]: readonly (readonly number[])[]) => mean(list!);
  const few = bootstrap([samples(10)], estimate);
  const many = bootstrap([samples(1000)], estimate);
  for (const { low, value, high } of [few, many]) assert.ok(low < value && value < high);
  assert.ok(many.high - many.low < (few.high - few.low) / 3);
  assert.ok(Math.abs(many.value - 0.5) < 0.05);
});

test("the same seed gives the same interval", () => {
  const samples = Array.from({ length: 50 }, (_, index) => Math.sqrt(index));
  const run = (seed: number) => bootstrap([samples], ([list]) => mean(list!), { seed });
  assert.deepEqual(run(3), run(3));
  assert.notDeepEqual(run(3), run(4));
});
