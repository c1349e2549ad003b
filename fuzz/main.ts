/** The fuzzers: `npm run fuzz -- --programs 20000 --seed 1`. */
import { parseArgs } from "node:util";
import { skipWithoutBpf } from "../src/kernel/testing.ts";
import type { FuzzKind, FuzzOptions } from "./job.ts";
import { runKills } from "./kills/kills.ts";
import { runPool } from "./pool.ts";
import { checkProgram, smallestFailure } from "./programs.ts";
import { Summary } from "./summary.ts";

const help = `npm run fuzz -- [--programs 1000] [--seed S] [--kind programs|hir|switch|router|acl|fused|api|kills]

  --programs N   how many programs are made (default 1000)
  --seed S       repeats a run; a failure prints its seed and number
  --kind KIND    programs (default): interpreter, machine and kernel must agree on generated programs;
                 hir: HIR files with random changes are refused or behave;
                 switch, router, acl: the function does what its model does, in the interpreter and the kernel;
                 fused: chains of functions in one program do what their models do behind one another;
                 api: random requests to a daemon are refused or do what they say;
                 kills: processes that apply graphs are killed (--programs of them) under traffic
  --start N      the number of the first program (default 0)
  --show         print program --start and what becomes of it
  --packets N    packets for each program (default 4; of functions 1000)
  --workers N    processes, 1 or 2 (default 2)
  --no-shrink    print failures as they are, not the smallest program that fails alike
  --no-coverage  leave out the table of constructs`;

const kinds: readonly (FuzzKind | "api" | "kills")[] = [
  "programs",
  "hir",
  "switch",
  "router",
  "acl",
  "fused",
  "api",
  "kills",
];

/** How often each construct must have been met. */
const leastCoverage = 50;

interface Wanted {
  readonly options: FuzzOptions;
  /** Requests to a daemon, or processes that are killed, instead. In this process. */
  readonly instead: "api" | "kills" | undefined;
  readonly show: boolean;
  readonly coverage: boolean;
}

/** Undefined when only help is wanted. */
function readOptions(): Wanted | undefined {
  const { values } = parseArgs({
    options: {
      programs: { type: "string", default: "1000" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      start: { type: "string", default: "0" },
      kind: { type: "string", default: "programs" },
      workers: { type: "string", default: "2" },
      packets: { type: "string" },
      show: { type: "boolean", default: false },
      help: { type: "boolean", short: "h" },
      "no-shrink": { type: "boolean", default: false },
      "no-coverage": { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const kind = kinds.find((one) => one === values.kind);
  if (!kind) throw new RangeError(`--kind is one of ${kinds.join(", ")}`);
  const options: FuzzOptions = {
    kind: kind === "api" || kind === "kills" ? "programs" : kind,
    seed: number(values.seed, "seed"),
    programs: number(values.programs, "programs"),
    start: number(values.start, "start"),
    workers: Math.max(1, Math.min(2, number(values.workers, "workers"))),
    packets: number(values.packets ?? (kind === "programs" || kind === "hir" ? "4" : "1000"), "packets"),
    kernel: skipWithoutBpf === false,
    shrink: !values["no-shrink"],
  };
  const instead = kind === "api" || kind === "kills" ? kind : undefined;
  return { options, instead, show: values.show, coverage: !values["no-coverage"] };
}

function number(text: string, name: string): number {
  if (!/^\d+$/.test(text)) throw new RangeError(`--${name} is a number, not "${text}"`);
  return Number(text);
}

function showOne(options: FuzzOptions): void {
  const { generated, outcome } = checkProgram(options, options.start);
  console.log(generated.source);
  console.log("settings", JSON.stringify(generated.given));
  console.log(outcome);
  if (outcome.kind === "failed" && options.shrink) {
    console.log(smallestFailure(generated, outcome, options, options.start));
  }
}

async function runApi({ seed, programs, start }: FuzzOptions): Promise<number> {
  const { fuzzApi } = await import("./api/run.ts");
  console.log(`seed ${seed}`);
  const { requests, changes, statuses, failures } = await fuzzApi(seed, programs, start);
  for (const failure of failures) console.log(failure);
  const counts = Object.entries(statuses).map(([status, count]) => `${status}: ${count}`);
  console.log(`${requests} requests, ${changes} changed the graph, ${failures.length} failed; ${counts.join(", ")}`);
  return failures.length > 0 ? 1 : 0;
}

async function main(): Promise<number> {
  let wanted: Wanted | undefined;
  try {
    wanted = readOptions();
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${help}`);
    return 2;
  }
  if (!wanted) {
    console.log(help);
    return 0;
  }
  const { options, instead, show, coverage } = wanted;
  if (instead === "api") return await runApi(options);
  if (instead === "kills") {
    console.log(`seed ${options.seed}`);
    const report = await runKills({ kills: options.programs, seed: options.seed + 1, log: console.log });
    console.log(report);
    const { runEnds } = await import("./kills/ends.ts");
    console.log(await runEnds({ kills: Math.ceil(options.programs / 10), seed: options.seed + 1, log: console.log }));
    return 0;
  }
  if (show) {
    showOne(options);
    return 0;
  }
  if (skipWithoutBpf) console.log(`interpreter and machine only: ${skipWithoutBpf}`);
  console.log(`seed ${options.seed}`);
  const summary = new Summary(options);
  const print = (): void => {
    summary.print(console.log);
    if (options.kind === "programs" && coverage) summary.printCoverage(leastCoverage, console.log);
  };
  // Whoever stops a long run still wants to know what it found, and met.
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => {
      print();
      process.exit(130);
    });
  const start = Date.now();
  let shown = start;
  await runPool(options, (report) => {
    summary.add(report);
    if (Date.now() - shown < 10_000) return;
    shown = Date.now();
    console.log(`${summary.cases} of ${options.programs}, ${summary.refusals} refused, ${summary.failures} failed`);
  });
  print();
  console.log(`${((Date.now() - start) / 1000).toFixed(0)} s`);
  return summary.failures > 0 ? 1 : 0;
}

process.exitCode = await main();
