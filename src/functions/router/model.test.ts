/** The router against its model, a slice: `npm run fuzz -- --kind router` goes on where it ends. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { routerModule, runRouterCase } from "../../../fuzz/functions/router.ts";
import { InterpreterWitness, KernelWitness, MachineWitness } from "../../../fuzz/functions/witness.ts";
import { skipWithoutBpf } from "../../kernel/testing.ts";

const outcomes = new Map<string, number>();

for (const [seed, hook] of [
  [1, "xdp"],
  [2, "tcx"],
] as const) {
  describe(`the router at ${hook} does what its model does`, () => {
    it(`from seed ${seed}`, async (t) => {
      t.diagnostic(`seed ${seed}`);
      using interpreter = new InterpreterWitness(hook);
      using machine = new MachineWitness(hook);
      using kernel = skipWithoutBpf ? undefined : new KernelWitness(hook);
      const witnesses = [interpreter, machine, ...(kernel ? [kernel] : [])];
      const report = runRouterCase({ seed, frames: 250, hook, changes: 0 }, await routerModule(), witnesses);
      assert.equal(report.failure, undefined);
      for (const [name, count] of Object.entries(report.outcomes))
        outcomes.set(name, (outcomes.get(name) ?? 0) + count);
    });
  });
}

describe("the frames of these tests", () => {
  it("are forwarded, answered, punted and dropped", () => {
    const names = ["forward", "resolve", "resolved", "ttlExceeded", "noRoute", "tooBig", "absorbed", "badChecksum"];
    for (const name of names) assert.ok((outcomes.get(name) ?? 0) > 0, `none was ${name}`);
  });
});
