/** Chains of functions against their models, a slice: `npm run fuzz -- --kind fused` goes on where it ends. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { skipWithoutBpf } from "../../src/kernel/testing.ts";
import { Tally } from "./frames.ts";
import { runFusedCase } from "./fused.ts";
import { FusedInterpreter, FusedKernel, FusedMachine } from "./fused-witness.ts";

const tally = new Tally();

describe("functions behind one another do what their models do, with the metadata between them", () => {
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    const hook = seed % 2 === 0 ? "xdp" : "tcx";
    it(`from seed ${seed} at ${hook}`, async (t) => {
      using interpreter = new FusedInterpreter(hook);
      using machine = new FusedMachine(hook);
      using kernel = skipWithoutBpf ? undefined : new FusedKernel(hook);
      const witnesses = [interpreter, machine, ...(kernel ? [kernel] : [])];
      const report = await runFusedCase({ seed, frames: 120, hook }, witnesses);
      t.diagnostic(`seed ${seed}: ${report.chain}`);
      assert.equal(report.failure, undefined);
      tally.add(report.outcomes);
    });
  }
});

describe("the frames of these tests", () => {
  it("come to every end, and pass several functions", () => {
    for (const name of ["forward", "flood", "drop", "punt", "met 2", "met 3"])
      assert.ok(tally.of(name) > 0, `none: ${name}`);
  });
});
