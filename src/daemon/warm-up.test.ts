import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { WarmUp, type WarmUpOptions } from "./warm-up.ts";

const fast = { quietMilliseconds: 60, pauseMilliseconds: 1, failed: assert.ifError } as const;

function counting(options: Partial<WarmUpOptions> = {}) {
  const counted = { compiles: 0 };
  const compile = (): boolean => ++counted.compiles > 0;
  return { counted, warmUp: new WarmUp({ compile, ...fast, ...options }) };
}

test("compiles as often as it was told, and no more", async () => {
  const { counted, warmUp } = counting({ compiles: 5 });
  using _ = warmUp;
  assert.equal(counted.compiles, 0);
  await sleep(500);
  assert.equal(counted.compiles, 5);
  warmUp.postpone();
  await sleep(100);
  assert.equal(counted.compiles, 5);
});

test("requests put it off", async () => {
  const { counted, warmUp } = counting({ quietMilliseconds: 400 });
  using _ = warmUp;
  for (let request = 0; request < 10; request++) {
    warmUp.postpone();
    await sleep(50);
  }
  assert.equal(counted.compiles, 0);
});

test("waits for the next request where there is nothing to compile", async () => {
  let compiles = 0;
  using warmUp = new WarmUp({ ...fast, compile: () => ++compiles > 1 });
  await sleep(200);
  assert.equal(compiles, 1);
  warmUp.postpone();
  await sleep(200);
  assert.ok(compiles > 2, `${compiles}`);
});

test("ends with a failure, which it reports, and with its owner", async () => {
  const failures: unknown[] = [];
  const compile = (): boolean => {
    throw new TypeError("no");
  };
  using _failing = new WarmUp({ ...fast, compile, failed: (error) => failures.push(error) });
  const { counted, warmUp } = counting();
  warmUp[Symbol.dispose]();
  await sleep(300);
  assert.equal(failures.length, 1);
  assert.equal(counted.compiles, 0);
});
