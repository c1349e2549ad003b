import type { PipelineHook } from "../../src/engine/pipeline/topology.ts";
import type { FuzzOptions, Report } from "../job.ts";
import { failed, type Outcome, thrown } from "../witnesses/outcome.ts";
import { aclModule, runAclCase } from "./acl.ts";
import { runFusedCase } from "./fused.ts";
import { FusedInterpreter, FusedKernel, FusedMachine } from "./fused-witness.ts";
import { routerModule, runRouterCase } from "./router.ts";
import { runSwitchCase, switchModule } from "./switch.ts";
import { InterpreterWitness, KernelWitness, MachineWitness, type Witness } from "./witness.ts";

/** Configurations of a case: an apply for each takes longer than many frames. */
const changes = 2;

interface Case {
  readonly seed: number;
  readonly frames: number;
  readonly hook: PipelineHook;
  readonly changes: number;
}

/** Says what differed first. */
type RunCase = (given: Case, witnesses: readonly Witness[]) => Promise<string | undefined>;

const cases: Readonly<Record<"switch" | "router" | "acl", RunCase>> = {
  switch: async (given, witnesses) => runSwitchCase(given, await switchModule(), witnesses).failure,
  acl: async (given, witnesses) => runAclCase(given, await aclModule(), witnesses).failure,
  router: async (given, witnesses) => runRouterCase(given, await routerModule(), witnesses).failure,
};

/** One random function of a kind, at a hook by turns; without a kernel the machine is the second witness. */
export function checkFunction(kind: keyof typeof cases, options: FuzzOptions, index: number): Promise<Report> {
  return checkCase(kind, options, index, async ({ seed, hook }, owned) => {
    const witnesses: readonly Witness[] = [
      owned.use(new InterpreterWitness(hook)),
      owned.use(options.kernel ? new KernelWitness(hook) : new MachineWitness(hook)),
    ];
    return await cases[kind]({ seed, frames: options.packets, hook, changes }, witnesses);
  });
}

/** One random chain of functions, composed to pipelines. */
export function checkFused(options: FuzzOptions, index: number): Promise<Report> {
  return checkCase("fused", options, index, async ({ seed, hook }, owned) => {
    const witnesses = [
      owned.use(new FusedInterpreter(hook)),
      owned.use(options.kernel ? new FusedKernel(hook) : new FusedMachine(hook)),
    ];
    return (await runFusedCase({ seed, frames: options.packets, hook }, witnesses)).failure;
  });
}

interface Chosen {
  readonly seed: number;
  readonly hook: PipelineHook;
}

async function checkCase(
  kind: string,
  options: FuzzOptions,
  index: number,
  run: (chosen: Chosen, owned: DisposableStack) => Promise<string | undefined>,
): Promise<Report> {
  const start = performance.now();
  const hook = index % 2 === 0 ? "xdp" : "tcx";
  using owned = new DisposableStack();
  let outcome: Outcome;
  try {
    const failure = await run({ seed: (options.seed * 1_000_003 + index) >>> 0, hook }, owned);
    outcome = failure
      ? failed(`${kind} at ${hook}`, failure, { hook })
      : { kind: "agreed", runs: options.packets, loads: changes + 1, mayGoto: 0, fewPaths: 0, skipped: 0 };
  } catch (cause) {
    outcome = thrown(kind, cause, { hook });
  }
  return { kind: "finished", index, outcome, milliseconds: performance.now() - start, coverage: {} };
}
