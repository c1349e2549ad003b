import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { FuzzOptions, Job, Report } from "./job.ts";
import { failed } from "./witnesses/outcome.ts";

/** A case that takes longer (its shrinking included) hangs. */
const timeLimit = 120_000;
const workerPath = fileURLToPath(new URL("worker.ts", import.meta.url));

type Finished = Extract<Report, { kind: "finished" }>;

/** Runs all cases on worker processes. A crash or a hang is a failure of the case, and the rest goes on. */
export async function runPool(options: FuzzOptions, onFinished: (report: Finished) => void): Promise<void> {
  const end = options.start + options.programs;
  const lanes = Array.from({ length: options.workers }, (_, lane) =>
    runLane(options, options.start + lane, end, onFinished),
  );
  await Promise.all(lanes);
}

async function runLane(
  options: FuzzOptions,
  from: number,
  end: number,
  onFinished: (report: Finished) => void,
): Promise<void> {
  for (let next = from; next < end; ) {
    const job: Job = { ...options, start: next, end, stride: options.workers };
    const { last, failure } = await runWorker(job, onFinished);
    if (failure === undefined) return;
    onFinished({ kind: "finished", index: last, outcome: failed(failure, failure), milliseconds: 0, coverage: {} });
    next = last + options.workers;
  }
}

/** Resolves when the worker ends; `failure` says why it ended before its work did. */
function runWorker(
  job: Job,
  onFinished: (report: Finished) => void,
): Promise<{ readonly last: number; readonly failure: string | undefined }> {
  return new Promise((resolve) => {
    const worker: ChildProcess = fork(workerPath, { execArgv: [...process.execArgv, "--max-old-space-size=1024"] });
    let last = job.start;
    let done = -1;
    let hung = false;
    const watch = setTimeout(() => {
      hung = true;
      worker.kill("SIGKILL");
    }, timeLimit);
    worker.on("message", (report: Report) => {
      watch.refresh();
      if (report.kind === "started") last = report.index;
      else {
        done = report.index;
        onFinished(report);
      }
    });
    worker.once("exit", (code, signal) => {
      clearTimeout(watch);
      const complete = done === last && last + job.stride >= job.end;
      const reason = hung ? "hang" : `worker ended with ${signal ?? `exit code ${code}`}`;
      resolve({ last, failure: complete ? undefined : reason });
    });
    worker.send(job);
  });
}
