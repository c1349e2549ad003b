import type { FuzzOptions, Report } from "../job.ts";
import { failed, type Outcome, thrown } from "../witnesses/outcome.ts";
import { runSwitchCase, switchModule } from "./switch.ts";
import { InterpreterWitness, KernelWitness, MachineWitness, type Witness } from "./witness.ts";

/** Configurations of a case: an apply for each takes longer than many frames. */
const changes = 2;

/** One random switch, at a hook by turns; without a kernel the machine is the second witness. */
export async function checkSwitch(options: FuzzOptions, index: number): Promise<Report> {
  const start = performance.now();
  const hook = index % 2 === 0 ? "xdp" : "tcx";
  using owned = new DisposableStack();
  const witnesses: readonly Witness[] = [
    owned.use(new InterpreterWitness(hook)),
    owned.use(options.kernel ? new KernelWitness(hook) : new MachineWitness(hook)),
  ];
  let outcome: Outcome;
  try {
    const seed = (options.seed * 1_000_003 + index) >>> 0;
    const report = runSwitchCase({ seed, frames: options.packets, hook, changes }, await switchModule(), witnesses);
    outcome = report.failure
      ? failed(`switch at ${hook}`, report.failure, { hook })
      : { kind: "agreed", runs: options.packets, loads: changes + 1, skipped: 0 };
  } catch (cause) {
    outcome = thrown("switch", cause, { hook });
  }
  return { kind: "finished", index, outcome, milliseconds: performance.now() - start, coverage: {} };
}
