/**
 * Benchmarks: `npm run bench` runs all, `npm run bench -- NAME...` some. Tables go to standard output and with plots
 * and JSON to out/bench/.
 */
import { parseArgs } from "node:util";
import { IovisorError } from "../src/errors.ts";
import type { Benchmark, BenchOptions, BenchResult } from "./lib/benchmark.ts";
import { machineFacts } from "./lib/machine.ts";
import { table } from "./lib/markdown.ts";
import { toJson, writeOutput } from "./lib/output.ts";

const benchmarks: readonly Benchmark[] = [
  {
    name: "code-quality",
    summary: "packet programs in TypeScript against the same in C through clang -O2",
    load: () => import("./code-quality.ts"),
  },
  {
    name: "match-rules",
    summary: "rules through match() against a clang-compiled loop over a map",
    load: () => import("./match-rules.ts"),
  },
  {
    name: "speed-of-change",
    summary: "from HIR to a live program, from an edit to live, a cold start",
    load: () => import("./speed-of-change.ts"),
  },
  {
    name: "rule-change",
    summary: "one rule of a thousand in a running graph, to live and to recorded",
    load: () => import("./rule-change.ts"),
  },
  {
    name: "fusion",
    summary: "chains of functions fused to one program against tail calls",
    load: () => import("./fusion.ts"),
  },
  {
    name: "replace-under-load",
    summary: "200 replacements while frames come at full rate: none missed",
    load: () => import("./replace-under-load.ts"),
  },
  {
    name: "tcp",
    summary: "TCP through a graph and through the kernel's bridge, side by side",
    load: () => import("./tcp.ts"),
  },
  {
    name: "ring-buffer",
    summary: "events from the kernel to JavaScript objects and columns",
    load: () => import("./ring-buffer.ts"),
  },
  {
    name: "graph-chain",
    summary: "a graph that forwards against the kernel's bridge, chains of functions",
    load: () => import("./graph-chain.ts"),
  },
  {
    name: "switching",
    summary: "the switch against the kernel's bridge and a bare program, by the number of stations",
    load: () => import("./switching.ts"),
  },
  {
    name: "routing",
    summary: "the router against the kernel's forwarding, by the number of routes",
    load: () => import("./routing.ts"),
  },
  {
    name: "routes-apply",
    summary: "tables of routes into the kernel and one route changed, against ip -batch, by the number of routes",
    load: () => import("./routes-apply.ts"),
  },
  {
    name: "filtering",
    summary: "the access list against nft's chains and maps, by the number of rules",
    load: () => import("./filtering.ts"),
  },
  {
    name: "graph-fusion",
    summary: "switch, access list, router and switch in a row against the router alone",
    load: () => import("./graph-fusion.ts"),
  },
  {
    name: "graph-applies",
    summary: "500 applies under traffic at full rate: all frames accounted for, no state lost",
    load: () => import("./graph-applies.ts"),
  },
  {
    name: "graph-change",
    summary: "one setting of a running graph edited, and whole graphs applied",
    load: () => import("./graph-change.ts"),
  },
];

const usage = `Usage: npm run bench -- [NAME...] [options]

${benchmarks.map(({ name, summary }) => `  ${name.padEnd(20)}${summary}`).join("\n")}

  --only NAME      only this program of a benchmark; may be given several times
  --show NAME      code-quality: the code of both compilers side by side, no timing
  --self           code-quality: clang against itself, which shows the method's own error
  --pairs N        interleaved pairs of runs (default 40)
  --isa v3|v4      instruction set (default: the newest that the kernel takes)
  --seconds N      ring-buffer: how long each part runs (default 60)
`;

function readArguments(): { names: string[]; options: BenchOptions; help: boolean } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: "string", multiple: true, default: [] },
      show: { type: "string" },
      self: { type: "boolean", default: false },
      pairs: { type: "string", default: "40" },
      isa: { type: "string" },
      seconds: { type: "string", default: "60" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const options = {
    only: values.only,
    show: values.show,
    self: values.self,
    pairs: atLeastOne("--pairs", values.pairs),
    seconds: atLeastOne("--seconds", values.seconds),
    isa: isaOf(values.isa),
  };
  return { names: positionals, options, help: values.help };
}

function isaOf(value: string | undefined): BenchOptions["isa"] {
  if (value === undefined || value === "v3" || value === "v4") return value;
  throw new IovisorError("E_USAGE", `there is no instruction set ${value}`, "give v3 or v4");
}

function atLeastOne(option: string, value: string): number {
  const number = Number(value);
  if (number >= 1) return number;
  throw new IovisorError("E_USAGE", `${option} takes a number from 1, not "${value}"`, "see --help");
}

function chosen(names: readonly string[]): readonly Benchmark[] {
  const unknown = names.find((name) => !benchmarks.some((each) => each.name === name));
  if (unknown === undefined)
    return names.length === 0 ? benchmarks : benchmarks.filter(({ name }) => names.includes(name));
  const known = benchmarks.map(({ name }) => name).join(", ");
  throw new IovisorError("E_USAGE", `there is no benchmark "${unknown}"`, `benchmarks are: ${known}`);
}

function publish({ name, summary }: Benchmark, result: BenchResult, facts: object): void {
  const files = [
    ...result.plots.map((plot) => writeOutput(`${plot.name}.svg`, plot.svg)),
    writeOutput(`${result.name ?? name}.json`, toJson({ machine: facts, results: result.data })),
    writeOutput(`${result.name ?? name}.md`, `# ${name}: ${summary}\n\n${result.markdown}\n`),
  ];
  console.log(`\n## ${name}: ${summary}\n\n${result.markdown}\n\nWritten: ${files.join(", ")}`);
}

async function main(): Promise<void> {
  const { names, options, help } = readArguments();
  if (help) {
    console.log(usage);
    return;
  }
  const selected = chosen(names);
  const facts = machineFacts();
  const columns = [
    { title: "machine", of: ([name]: [string, unknown]) => name },
    { title: "", of: ([, value]: [string, unknown]) => String(value), align: "left" as const },
  ];
  console.log(table(columns, Object.entries(facts)));
  const missed: string[] = [];
  for (const benchmark of selected) {
    const { run } = await benchmark.load();
    const result = await run(options);
    publish(benchmark, result, facts);
    missed.push(...result.missed.map((line) => `${benchmark.name}: ${line}`));
  }
  if (missed.length === 0) return;
  console.log(`\nNot reached:\n${missed.map((line) => `- ${line}`).join("\n")}`);
  process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  if (!(error instanceof IovisorError)) throw error;
  console.error(`error: ${error.message}\n  ${error.remedy}`);
  process.exitCode = 2;
}
