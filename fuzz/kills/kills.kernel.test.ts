import assert from "node:assert/strict";
import { test } from "node:test";
import { skipWithoutNetwork } from "../../test/network/network.ts";
import { runEnds } from "./ends.ts";
import { runKills } from "./kills.ts";

const kills = 16;

test(`after each of ${kills} kills packets meet one revision, and the next process goes on from there`, {
  skip: skipWithoutNetwork,
  timeout: 120_000,
}, async (t) => {
  const seed = 1 + (Date.now() % 1_000_000);
  t.diagnostic(`seed ${seed}`);
  const { applies, sent, taken } = await runKills({ kills, seed });
  t.diagnostic(`${applies} applies, ${sent} frames, ${taken} kills after the commit`);
  assert.ok(applies > kills / 2 && sent > 1000);
});

test("kills in the first apply and in a teardown leave all or nothing, and the next process goes on from there", {
  skip: skipWithoutNetwork,
  timeout: 120_000,
}, async (t) => {
  const seed = 1 + (Date.now() % 1_000_000);
  t.diagnostic(`seed ${seed}`);
  t.diagnostic(JSON.stringify(await runEnds({ kills: 6, seed })));
});
