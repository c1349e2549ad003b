/**
 * `npm test`: types, lint, and every `*.test.ts`. `npm test -- --help` says the rest.
 *
 * Each file runs in a process of its own with a time limit, so that a crash or a hang costs one file and names it.
 * Files that touch the kernel run one after another, and leave nothing behind: a leak fails the file that made it.
 */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { checks, runCheck } from "./test/checks.ts";
import { leakedSince, ownObjects } from "./test/leaks.ts";
import { installTools } from "./test/packages.ts";
import { planTests } from "./test/plan.ts";
import { projectFiles, root } from "./test/project-files.ts";
import { printOutcome, printSummary } from "./test/report.ts";
import { type Outcome, runTestFile, stopAll } from "./test/test-file.ts";

const help = `npm test -- [PATTERN...] [--list] [--no-install]

Runs type checks, the linter and all tests. With PATTERNs only those whose name contains one of them
(src/vm, tidy, types, lint). --list prints the names. --no-install leaves missing system tools missing:
without it, root on a machine with apt gets them installed.`;

/** A full run with fewer tests than this has lost some. Raise it as the suite grows. */
const minimumTests = 1200;
const unitSeconds = 120;
const kernelSeconds = 300;
/** CI stops at 25 minutes; what has not started by then is reported, not silently left out. */
const totalSeconds = 20 * 60;

interface Job {
  readonly name: string;
  run(): Promise<Outcome>;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { list: { type: "boolean" }, "no-install": { type: "boolean" }, help: { type: "boolean", short: "h" } },
});

if (values.help) {
  console.log(help);
} else {
  process.exitCode = await main();
}

async function main(): Promise<number> {
  const files = projectFiles();
  const plan = planTests(files, root);
  const wanted = (job: Job): boolean =>
    positionals.length === 0 || positionals.some((pattern) => job.name.includes(pattern));
  const beside = [
    ...checks(files).map((check): Job => ({ name: check.name, run: () => runCheck(check, root) })),
    ...plan.unit.map((path): Job => ({ name: path, run: () => unitTest(path) })),
  ].filter(wanted);
  const alone = plan.kernel.map((path): Job => ({ name: path, run: () => kernelTest(path) })).filter(wanted);
  if (beside.length + alone.length === 0) {
    console.error(`no test matches ${positionals.join(" ")}; npm test -- --list prints the names`);
    return 2;
  }
  if (values.list) {
    for (const { name } of [...beside, ...alone]) console.log(name);
    return 0;
  }
  return await runAll(beside, alone);
}

async function runAll(beside: readonly Job[], alone: readonly Job[]): Promise<number> {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop(signal));
  if (alone.length > 0 && !values["no-install"]) installTools((line) => console.error(`iovisor: ${line}`));
  // Administration tools are not on every user's path.
  process.env["PATH"] = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`;
  const deadline = performance.now() + totalSeconds * 1000;
  const outcomes = await runJobs(beside, Math.min(2, availableParallelism()), deadline);
  outcomes.push(...(await runJobs(alone, 1, deadline)));
  if (positionals.length === 0) outcomes.push(...tooFew(outcomes));
  printSummary(outcomes);
  return outcomes.some((outcome) => outcome.failures.length > 0) ? 1 : 0;
}

async function runJobs(jobs: readonly Job[], width: number, deadline: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const waiting = [...jobs];
  const worker = async (): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      const outcome =
        performance.now() < deadline ? await job.run() : failed(job.name, `not run: ${totalSeconds} s had passed`);
      printOutcome(outcome);
      outcomes.push(outcome);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return outcomes;
}

function unitTest(path: string): Promise<Outcome> {
  return runTestFile(path, { root, limitSeconds: unitSeconds, preload: [] });
}

async function kernelTest(path: string): Promise<Outcome> {
  const before = ownObjects();
  const preload = [join(root, "test/setup.ts")];
  const outcome = await runTestFile(path, { root, limitSeconds: kernelSeconds, preload });
  const leaked = await leakedSince(before);
  if (leaked.length === 0) return outcome;
  const leak = { name: "leaves nothing behind", text: `left behind: ${leaked.join(", ")}` };
  return { ...outcome, failures: [...outcome.failures, leak] };
}

function tooFew(outcomes: readonly Outcome[]): Outcome[] {
  const ran = outcomes.reduce((sum, { passed, skips, failures }) => sum + passed + skips.length + failures.length, 0);
  if (ran >= minimumTests) return [];
  return [failed("number of tests", `${ran} tests ran; there should be ${minimumTests} or more`)];
}

function failed(name: string, text: string): Outcome {
  return { name, seconds: 0, passed: 0, skips: [], failures: [{ name, text }] };
}

function stop(signal: NodeJS.Signals): void {
  stopAll();
  console.error(`iovisor: stopped by ${signal}`);
  console.log("\n0 passed, 1 failed");
  process.exit(130);
}
