/** For tests: cases of a function with all three witnesses, and what the frames of all cases came to. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PipelineHook } from "../../src/engine/pipeline/topology.ts";
import { skipWithoutBpf } from "../../src/kernel/testing.ts";
import { Tally } from "./frames.ts";
import { InterpreterWitness, KernelWitness, MachineWitness, type Witness } from "./witness.ts";

interface CaseReport {
  readonly failure: string | undefined;
  readonly outcomes: Readonly<Record<string, number>>;
}

export interface Slice {
  /** "the switch" */
  readonly name: string;
  readonly cases: readonly { readonly seed: number; readonly hook: PipelineHook }[];
  run(chosen: Slice["cases"][number], witnesses: readonly Witness[]): Promise<CaseReport>;
  /** Outcomes that must have come. */
  readonly wanted: readonly string[];
}

/** The cases as tests, then one of what they came to. */
export function testSlice({ name, cases, run, wanted }: Slice): void {
  const tally = new Tally();
  describe(`${name} does what its model does`, () => {
    for (const { seed, hook } of cases) {
      it(`from seed ${seed} at ${hook}`, async (t) => {
        t.diagnostic(`seed ${seed}`);
        using interpreter = new InterpreterWitness(hook);
        using machine = new MachineWitness(hook);
        using kernel = skipWithoutBpf ? undefined : new KernelWitness(hook);
        const witnesses = [interpreter, machine, ...(kernel ? [kernel] : [])];
        const { failure, outcomes } = await run({ seed, hook }, witnesses);
        assert.equal(failure, undefined);
        tally.add(outcomes);
      });
    }
    it("with frames that come to every end", () => {
      for (const outcome of wanted) assert.ok(tally.of(outcome) > 0, `none was ${outcome}`);
    });
  });
}

/** Every seed at both hooks. */
export function atBothHooks(seeds: readonly number[]): Slice["cases"] {
  return (["xdp", "tcx"] as const).flatMap((hook) => seeds.map((seed) => ({ seed, hook })));
}
