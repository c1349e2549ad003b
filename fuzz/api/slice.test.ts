/** A slice of the requests that `npm run fuzz -- --kind api` makes. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { skipWithoutNetwork } from "../../test/network/network.ts";
import { fuzzApi } from "./run.ts";

const seed = 2026;

it("random requests are refused or do what they say", { skip: skipWithoutNetwork, timeout: 120_000 }, async (t) => {
  t.diagnostic(`seed ${seed}`);
  const { statuses, failures, changes } = await fuzzApi(seed, 1500);
  assert.deepEqual(failures, []);
  assert.ok(changes > 20, `${changes} changes`);
  for (const status of ["200", "304", "400", "404", "409", "412", "415", "422"])
    assert.ok(statuses[status]! > 0, status);
});
