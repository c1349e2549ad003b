import assert from "node:assert/strict";
import { test } from "node:test";
import { GracePeriod } from "./grace-period.ts";

test("many beginnings in a row end in one wait, and the last one passes by itself", { timeout: 20_000 }, async () => {
  const grace = new GracePeriod();
  for (let count = 0; count < 2000; count++) grace.begin();
  assert.equal(grace.wait(), true);
  grace.begin();
  await new Promise((resolve) => setTimeout(resolve, 500));
  const start = performance.now();
  assert.equal(grace.wait(), true);
  assert.ok(performance.now() - start < 4, "it waited again");
});
