/** A process that works through its share of the indexes, so that a crash or a hang costs one case. */

import { checkFunction, checkFused } from "./functions/check-function.ts";
import { checkMutation } from "./hir/mutation.ts";
import type { Job, Report } from "./job.ts";
import { checkProgram, smallestFailure } from "./programs.ts";

/** Of each kind of failure, so many are made small. */
const shrunkPerSignature = 2;
const seen = new Map<string, number>();

process.once("disconnect", () => process.exit());
process.once("message", (job: Job) => {
  void work(job);
});

async function work(job: Job): Promise<void> {
  for (let index = job.start; index < job.end; index += job.stride) {
    await tell({ kind: "started", index });
    await tell(await check(job, index));
  }
  process.disconnect();
}

function check(job: Job, index: number): Report | Promise<Report> {
  switch (job.kind) {
    case "programs":
      return one(job, index);
    case "hir":
      return checkMutation(job, index);
    case "switch":
    case "router":
    case "acl":
      return checkFunction(job.kind, job, index);
    case "fused":
      return checkFused(job, index);
  }
}

function one(job: Job, index: number): Report {
  const start = performance.now();
  const { generated, outcome } = checkProgram(job, index);
  const milliseconds = performance.now() - start;
  const report = { kind: "finished", index, outcome, milliseconds, coverage: generated.coverage } as const;
  if (outcome.kind !== "failed" || !job.shrink) return report;
  const count = (seen.get(outcome.signature) ?? 0) + 1;
  seen.set(outcome.signature, count);
  if (count > shrunkPerSignature) return report;
  return { ...report, smallest: smallestFailure(generated, outcome, job, index) };
}

/** Where nobody listens any more, nobody waits for the rest. */
function tell(report: Report): Promise<void> {
  return new Promise((resolve) => {
    process.send!(report, undefined, {}, (error) => (error ? process.exit() : resolve()));
  });
}
