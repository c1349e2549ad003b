import type { FuzzOptions, Report } from "../job.ts";
import { failed, type Outcome, thrown } from "../witnesses/outcome.ts";
import { aclModule, runAclCase } from "./acl.ts";
import { InterpreterWitness, KernelWitness, MachineWitness, type Witness } from "./witness.ts";

/** One random access list, at a hook by turns; without a kernel the machine is the second witness. */
export async function checkAcl(options: FuzzOptions, index: number): Promise<Report> {
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
    const report = runAclCase({ seed, frames: options.packets, hook }, await aclModule(), witnesses);
    outcome = report.failure
      ? failed(`acl at ${hook}`, report.failure, { hook })
      : { kind: "agreed", runs: options.packets, loads: 1, skipped: 0 };
  } catch (cause) {
    outcome = thrown("acl", cause, { hook });
  }
  return { kind: "finished", index, outcome, milliseconds: performance.now() - start, coverage: {} };
}
