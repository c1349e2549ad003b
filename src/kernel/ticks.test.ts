import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { skipWithoutBpf } from "./testing.ts";
import { kernelTicks, ticksPerSecond } from "./ticks.ts";

/** The kernel's own account: "jiffies: 4294994872", a line for each processor. */
function listedTicks(): bigint | undefined {
  try {
    const found = /^jiffies: (\d+)$/m.exec(readFileSync("/proc/timer_list", "utf8"))?.[1];
    return found === undefined ? undefined : BigInt(found);
  } catch {
    return undefined;
  }
}

describe("clock ticks", () => {
  it("come at a rate that kernels are built with", () => {
    assert.ok([24, 32, 48, 64, 100, 128, 200, 250, 256, 300, 500, 512, 1000, 1024].includes(ticksPerSecond()));
  });

  it("are counted as the kernel counts them", { skip: skipWithoutBpf }, (t) => {
    const ticks = kernelTicks();
    const listed = listedTicks();
    if (listed === undefined) return t.skip("/proc/timer_list is not readable here");
    const difference = Number(ticks.now() - listed);
    assert.ok(Math.abs(difference) <= ticks.perSecond / 5, `${difference} ticks apart`);
  });
});
