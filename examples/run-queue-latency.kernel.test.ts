import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { load } from "../src/index.ts";
import { skipWithoutBpf } from "../src/kernel/testing.ts";

type RunQueueLatency = typeof import("./run-queue-latency.ts");
const source = new URL("./run-queue-latency.ts", import.meta.url);

/** The kernel's own account of a process: nanoseconds that it waited for a processor, and how often it got one. */
function schedule(pid: number): { readonly waited: bigint; readonly arrivals: bigint } {
  const [, waited, arrivals] = readFileSync(`/proc/${pid}/schedstat`, "utf8").trim().split(" ");
  return { waited: BigInt(waited!), arrivals: BigInt(arrivals!) };
}

async function untilAsleep(pid: number): Promise<void> {
  const state = () => /^\d+ \(.*\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1];
  while (state() !== "S") await sleep(1);
}

/** One single-threaded process that answers lines, and sleeps in between. */
function startEcho() {
  const child = spawn("sh", ["-c", "while read line; do echo $line; done"], { stdio: ["pipe", "pipe", "inherit"] });
  const pid = child.pid!;
  return {
    pid,
    async ask() {
      child.stdin.write("x\n");
      await once(child.stdout, "data");
      await untilAsleep(pid);
    },
    [Symbol.dispose]: () => child.kill("SIGKILL"),
  };
}

test("counts every wait of a process, as the kernel does", { skip: skipWithoutBpf, timeout: 30_000 }, async (t) => {
  using echo = startEcho();
  using latency = await load<RunQueueLatency>(source, { settings: { process: echo.pid } });
  assert.equal(latency.attachTracepoints().length, 3);
  await echo.ask();
  // Asleep is what /proc says a moment before it is so.
  await sleep(50);
  const account = () => ({ ...latency.maps.totals.get(0)!, ...schedule(echo.pid) });
  const before = account();
  const marked = 200;
  for (let count = 0; count < marked; count++) await echo.ask();
  await sleep(50);
  const after = account();

  const grown = (field: keyof typeof after) => after[field] - before[field];
  const [waits, nanoseconds, waited] = [grown("waits"), grown("nanoseconds"), grown("waited")];
  t.diagnostic(`${waits} waits of ${nanoseconds} ns, ${grown("unseen")} unseen; the kernel: ${waited} ns`);
  assert.equal(waits + grown("unseen"), grown("arrivals"), "seen and unseen waits are all");
  assert.ok(waits >= BigInt(marked));
  const slots = [...latency.maps.waits].reduce((sum, [, count]) => sum + count, 0n);
  assert.equal(slots, after.waits, "every wait is in a slot");
  const least = [...latency.maps.waits].reduce((sum, [slot, count]) => sum + (count << BigInt(slot)), 0n);
  assert.ok(least <= after.nanoseconds && after.nanoseconds < 2n * least, "the slots agree with the sum");
  // Both clocks are read at about, not exactly, the same places.
  const difference = nanoseconds > waited ? nanoseconds - waited : waited - nanoseconds;
  assert.ok(difference < waits * 20_000n + waited / 4n, `they differ by ${difference} ns`);
});

test("sees every process when none is chosen", { skip: skipWithoutBpf, timeout: 30_000 }, async () => {
  using echo = startEcho();
  using latency = await load<RunQueueLatency>(source);
  latency.attachTracepoints();
  for (let count = 0; count < 50; count++) await echo.ask();
  assert.ok(latency.maps.totals.get(0)!.waits > 50n);
});
