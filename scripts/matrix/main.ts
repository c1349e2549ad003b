/** `npm run matrix`: the project on stock kernels, in emulated machines. `npm run matrix -- --help` says the rest. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cacheFolder } from "../../src/engine/cache-folder.ts";
import { IovisorError } from "../../src/errors.ts";
import { root } from "../test/project-files.ts";
import { packDisk } from "./disk.ts";
import { runGuest, stopGuests } from "./guest.ts";
import { requireTools } from "./host-tools.ts";
import { packInitramfs } from "./initramfs.ts";
import { prepareJob } from "./job.ts";
import { type Kernel, obtainKernel } from "./kernels.ts";
import { type Group, type GuestRecord, groups } from "./records.ts";
import { summaryLine, table, writeLog } from "./report.ts";
import { type KernelResults, resultsOf } from "./results.ts";

const help = `npm run matrix [-- --kernels 6.1,6.12,7.3] [--only features,examples,fuzz,tests]
               [--programs 500] [--seed 1]

Boots stock Debian kernels in QEMU and tries the project in each: what the kernel has (features), every example
compiled, loaded, run and attached (examples), generated programs loaded and run beside the interpreter (fuzz), tests
of the kernel interface (tests). Everything must be accepted or clearly not supported; anything else fails. Results go
to out/matrix, kernels to the cache ($XDG_CACHE_HOME/iovisor/matrix). --guests 2 runs two machines at a time (default
1). --tests PATTERN chooses other test files: those whose path contains it (default src/kernel/).`;

const totalSeconds = 25 * 60;
/** A guest that has less than this is not started. */
const leastSeconds = 60;

const { values } = parseArgs({
  options: {
    kernels: { type: "string", default: "6.1,6.12,7.3" },
    only: { type: "string", default: groups.join(",") },
    programs: { type: "string", default: "500" },
    seed: { type: "string", default: "1" },
    tests: { type: "string", default: "src/kernel/" },
    guests: { type: "string", default: "1" },
    help: { type: "boolean", short: "h" },
  },
});
const deadline = performance.now() + totalSeconds * 1000;
const output = join(root, "out/matrix");

if (values.help) console.log(help);
else process.exitCode = await guarded(main);

async function guarded(body: () => Promise<number>): Promise<number> {
  try {
    return await body();
  } catch (cause) {
    if (!(cause instanceof IovisorError)) throw cause;
    log(`${cause.message}\n  ${cause.remedy}`);
    return 2;
  }
}

async function main(): Promise<number> {
  const chosen = chooseGroups(values.only);
  const [programs, seed, width] = [number("programs", 0), number("seed", 0), number("guests", 1)];
  requireTools(log);
  const cache = join(cacheFolder(), "matrix");
  const kernels = values.kernels.split(",").map((series) => obtainKernel(series.trim(), cache, log));
  const work = mkdtempSync(join(tmpdir(), "iovisor-matrix-"));
  const cleanUp = () => rmSync(work, { recursive: true, force: true });
  process.once("exit", stopGuests); // also when something throws beside a guest that is under way
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interrupted(signal, cleanUp));
  try {
    mkdirSync(output, { recursive: true });
    const job = await prepareJob(join(work, "job"), { groups: chosen, programs, seed, tests: values.tests }, log);
    const disk = packDisk(join(work, "job"), work);
    const results = await inTurn(kernels, width, (kernel, index) => {
      const rounds = Math.ceil((kernels.length - index) / width);
      return tryKernel(kernel, { disk, work, chosen, seconds: secondsLeft() / rounds });
    });
    writeFileSync(join(output, "results.json"), `${JSON.stringify({ seed, job, results }, undefined, 2)}\n`);
    console.log(`${table(results, chosen)}\n\n${summaryLine(results)}`);
    return results.every(({ checks }) => checks.every(({ status }) => status !== "failed")) ? 0 : 1;
  } finally {
    cleanUp();
  }
}

interface Attempt {
  readonly disk: string;
  readonly work: string;
  readonly chosen: readonly Group[];
  /** The kernel's share of the time that is left. */
  readonly seconds: number;
}

async function tryKernel(kernel: Kernel, { disk, work, chosen, seconds }: Attempt): Promise<KernelResults> {
  if (seconds < leastSeconds) {
    const trouble = `was not started: ${totalSeconds / 60} minutes had passed`;
    return resultsOf(kernel, chosen, { records: [], seconds: 0, trouble });
  }
  log(`Linux ${kernel.release}: booting`);
  const consoleFile = join(output, `${kernel.series}.console.log`);
  const initramfs = packInitramfs(kernel, work);
  const run = await runGuest({ kernel, initramfs, disk, consoleFile, seconds }, (record) => progress(kernel, record));
  log(`Linux ${kernel.release}: ${run.trouble ?? `done in ${run.seconds.toFixed(0)} s`}`);
  const results = resultsOf(kernel, chosen, run);
  writeLog(join(output, `${kernel.series}.log`), results);
  return results;
}

function secondsLeft(): number {
  return (deadline - performance.now()) / 1000;
}

/** Does something for each of a list, `width` at a time. */
async function inTurn<T, R>(
  list: readonly T[],
  width: number,
  body: (one: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < list.length; index = next++) results[index] = await body(list[index]!, index);
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

function progress(kernel: Kernel, record: GuestRecord): void {
  if (record.kind === "through") log(`Linux ${kernel.series}: ${record.group} took ${record.seconds.toFixed(0)} s`);
  if (record.kind === "check" && record.status === "failed") {
    log(`Linux ${kernel.series}: FAILED ${record.group} ${record.name}: ${record.reason}`);
  }
}

function chooseGroups(text: string): Group[] {
  const chosen = text.split(",").map((one) => one.trim());
  const unknown = chosen.find((one) => !(groups as readonly string[]).includes(one));
  if (unknown === undefined) return groups.filter((group) => chosen.includes(group));
  throw new IovisorError("E_USAGE", `--only: there is no group "${unknown}"`, `groups are: ${groups.join(", ")}`);
}

function number(name: "programs" | "seed" | "guests", least: number): number {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= least) return value;
  throw new IovisorError("E_USAGE", `--${name}: "${values[name]}" is not a number from ${least} on`, "see --help");
}

function interrupted(signal: NodeJS.Signals, cleanUp: () => void): void {
  stopGuests();
  cleanUp();
  log(`stopped by ${signal}`);
  process.exit(130);
}

function log(line: string): void {
  console.error(`matrix: ${line}`);
}
