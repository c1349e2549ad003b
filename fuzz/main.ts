/**
 * The fuzzers: `npm run fuzz -- --programs 20000 --seed 1`.
 *
 * `--kind programs` (default): generated programs, on which interpreter, machine and kernel must agree. `--kind hir`:
 * HIR files with random changes, which are refused or behave. `--show`: prints program `--start` and what became of it.
 */
import { parseArgs } from "node:util";
import { skipWithoutBpf } from "../src/kernel/testing.ts";
import type { FuzzKind, FuzzOptions } from "./job.ts";
import { runPool } from "./pool.ts";
import { checkProgram, smallestFailure } from "./programs.ts";
import { Summary } from "./summary.ts";

/** How often each construct must have been met. */
const leastCoverage = 50;

function readOptions(): { readonly options: FuzzOptions; readonly show: boolean; readonly coverage: boolean } {
  const { values } = parseArgs({
    options: {
      programs: { type: "string", default: "1000" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      start: { type: "string", default: "0" },
      kind: { type: "string", default: "programs" },
      workers: { type: "string", default: "2" },
      packets: { type: "string", default: "4" },
      show: { type: "boolean", default: false },
      "no-shrink": { type: "boolean", default: false },
      "no-coverage": { type: "boolean", default: false },
    },
  });
  if (values.kind !== "programs" && values.kind !== "hir") throw new TypeError("--kind is programs or hir");
  const kind: FuzzKind = values.kind;
  const options = {
    kind,
    seed: number(values.seed, "seed"),
    programs: number(values.programs, "programs"),
    start: number(values.start, "start"),
    workers: Math.max(1, Math.min(2, number(values.workers, "workers"))),
    packets: number(values.packets, "packets"),
    kernel: skipWithoutBpf === false,
    shrink: !values["no-shrink"],
  };
  return { options, show: values.show, coverage: !values["no-coverage"] };
}

function number(text: string, name: string): number {
  if (!/^\d+$/.test(text)) throw new TypeError(`--${name} is a number, not "${text}"`);
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

async function main(): Promise<number> {
  const { options, show, coverage } = readOptions();
  if (show) {
    showOne(options);
    return 0;
  }
  if (skipWithoutBpf) console.log(`interpreter and machine only: ${skipWithoutBpf}`);
  console.log(`seed ${options.seed}`);
  const summary = new Summary(options);
  const start = Date.now();
  let shown = start;
  await runPool(options, (report) => {
    summary.add(report);
    if (Date.now() - shown < 10_000) return;
    shown = Date.now();
    console.log(`${summary.cases} of ${options.programs}, ${summary.refusals} refused, ${summary.failures} failed`);
  });
  summary.print(console.log);
  if (options.kind === "programs" && coverage) summary.printCoverage(leastCoverage, console.log);
  console.log(`${((Date.now() - start) / 1000).toFixed(0)} s`);
  return summary.failures > 0 ? 1 : 0;
}

process.exitCode = await main();
