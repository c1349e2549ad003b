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
  await echo.ask();
  using latency = await load<RunQueueLatency>(source, { settings: { process: echo.pid } });
  const before = schedule(echo.pid);
  const attachments = latency.attachTracepoints();
  assert.equal(attachments.length, 3);
  const marked = 200;
  for (let count = 0; count < marked; count++) await echo.ask();
  for (const attachment of attachments) attachment.detach();
  const after = schedule(echo.pid);

  const { waits, nanoseconds } = latency.maps.totals.get(0)!;
  const arrivals = after.arrivals - before.arrivals;
  const waited = after.waited - before.waited;
  t.diagnostic(`${waits} waits of ${nanoseconds} ns; the kernel says ${arrivals} of ${waited} ns`);
  assert.equal(waits, arrivals);
  assert.ok(waits >= BigInt(marked));
  const slots = [...latency.maps.waits].reduce((sum, [, count]) => sum + count, 0n);
  assert.equal(slots, waits, "every wait is in a slot");
  const least = [...latency.maps.waits].reduce((sum, [slot, count]) => sum + (count << BigInt(slot)), 0n);
  assert.ok(least <= nanoseconds && nanoseconds < 2n * least, "the slots agree with the sum");
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
