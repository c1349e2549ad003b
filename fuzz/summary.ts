import { Coverage } from "./generate/coverage.ts";
import { expectedCoverage } from "./generate/expected.ts";
import type { FuzzOptions, Report } from "./job.ts";

type Finished = Extract<Report, { kind: "finished" }>;

interface Group {
  count: number;
  readonly examples: Finished[];
}

const examplesPerGroup = 3;

/** Gathers what the cases gave, and prints it. */
export class Summary {
  readonly coverage = new Coverage();
  readonly #groups = new Map<string, Group>();
  readonly #options: FuzzOptions;
  #agreed = 0;
  #refused = 0;
  #failures = 0;
  #runs = 0;
  #loads = 0;
  #mayGoto = 0;
  #fewPaths = 0;
  #skipped = 0;

  constructor(options: FuzzOptions) {
    this.#options = options;
  }

  get failures(): number {
    return this.#failures;
  }

  get cases(): number {
    return this.#agreed + this.#refused + this.#failures;
  }

  get refusals(): number {
    return this.#refused;
  }

  add(report: Finished): void {
    const { outcome } = report;
    if (outcome.kind === "agreed") {
      this.#agreed++;
      this.#runs += outcome.runs;
      this.#loads += outcome.loads;
      this.#mayGoto += outcome.mayGoto;
      this.#fewPaths += outcome.fewPaths;
      this.#skipped += outcome.skipped;
      this.coverage.add(report.coverage);
      return;
    }
    if (outcome.kind === "refused") this.#refused++;
    else this.#failures++;
    const name = outcome.kind === "refused" ? `refused with ${outcome.code}` : `FAILED: ${outcome.signature}`;
    const group = this.#groups.get(name) ?? { count: 0, examples: [] };
    group.count++;
    if (group.examples.length < examplesPerGroup) group.examples.push(report);
    this.#groups.set(name, group);
  }

  print(write: (line: string) => void): void {
    const { seed, kind } = this.#options;
    write(`${kind}: ${this.cases} cases of seed ${seed}`);
    write(`  agreed ${this.#agreed}, refused ${this.#refused}, failed ${this.#failures}`);
    const forms = `${this.#mayGoto} of them with may_goto, ${this.#fewPaths} remade with few paths`;
    write(`  ${this.#loads} programs loaded, ${forms}`);
    write(`  ${this.#runs} runs compared, ${this.#skipped} skipped`);
    for (const [name, group] of [...this.#groups].sort(([, a], [, b]) => b.count - a.count)) {
      write(`${name}: ${group.count}`);
      for (const example of group.examples) printExample(example, write);
    }
  }

  /** Constructs that were generated fewer times than this. */
  printCoverage(least: number, write: (line: string) => void): void {
    const rows = this.coverage.rows(expectedCoverage);
    write(`coverage: ${rows.length} constructs and operations`);
    for (const [name, count] of rows)
      write(`  ${String(count).padStart(8)}  ${name}${count < least ? "  <- rare" : ""}`);
  }
}

function printExample({ index, outcome, smallest }: Finished, write: (line: string) => void): void {
  if (outcome.kind === "refused") write(`  #${index} ${outcome.message.split("\n")[0]}`);
  if (outcome.kind !== "failed") return;
  const where = [outcome.hook, outcome.configuration].filter((one) => one !== undefined).join(", ");
  write(`  #${index} ${where}`);
  for (const line of outcome.details.split("\n").slice(0, 24)) write(`    ${line}`);
  if (smallest !== undefined) write(`  the smallest program that fails so:\n${smallest.replace(/^/gm, "    ")}`);
}
