/** How long a change takes: from HIR to a live program, from a saved edit to live, from the command line to live. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Module } from "../src/compiler/hir/tree.ts";
import { warmUpCompiles } from "../src/daemon/warm-up.ts";
import { runningAbilities } from "../src/engine/abilities.ts";
import { loadModule } from "../src/engine/load.ts";
import { compilePrepared, prepareModule, programSpec } from "../src/engine/prepare.ts";
import { attach } from "../src/kernel/hooks.ts";
import { getLink } from "../src/kernel/netlink/links.ts";
import { KernelProgram, type ProgramSpec } from "../src/kernel/programs.ts";
import { VirtualNetwork } from "../src/kernel/virtual-network.ts";
import { type HookName, hooks } from "../src/language/kinds.ts";
import { type BenchOptions, type BenchResult, progress } from "./lib/benchmark.ts";
import { hirOf } from "./lib/loaded-typescript.ts";
import { decimals, table } from "./lib/markdown.ts";
import { benchFile } from "./lib/output.ts";
import { median, quantile } from "./lib/statistics.ts";
import { threadTime } from "./lib/timing.ts";

const CHANGES = 60;
/** Left out: they find the compiler's own code as the start left it. */
const FIRST_CHANGES = 10;
const EDITS = 15;
const STARTS = 5;
const DEADLINE = 20_000;

interface Row {
  readonly what: string;
  readonly milliseconds: readonly number[];
  /** Of that, what this thread ran; the rest waits for the kernel or for other processes. */
  readonly processor?: readonly number[];
  /** Of the median, in milliseconds. */
  readonly goal?: number;
}

export async function run(_options: BenchOptions): Promise<BenchResult> {
  const source = benchFile("speed-of-change", "program.ts");
  const module = await hirOf(source);
  const prefix = `iov${process.pid}`;
  const end = (host: string, device: string) => ({ host, device });
  using network = new VirtualNetwork({ wires: [[end("a", "in0"), end("b", "peer0")]], prefix });
  const rows: Row[] = [...phases(network, module, "tcx-ingress", "cold")];
  for (let compile = 0; compile < warmUpCompiles; compile++) compiled(module, "tcx-ingress", CHANGES + compile);
  rows.push(...phases(network, module, "tcx-ingress", "warm", 5), ...phases(network, module, "xdp", "warm"));
  const folder = mkdtempSync(join(tmpdir(), "iov-bench-"));
  try {
    rows.push(...(await commandLine(network, folder, `${prefix}a`)));
  } finally {
    rmSync(folder, { recursive: true });
  }
  progress("");
  return report(rows, readFileSync(source, "utf8").split("\n").length - 1);
}

/** Both clocks, in milliseconds. */
function clocks(): { readonly wall: number; readonly processor: number } {
  return { wall: performance.now(), processor: threadTime() / 1e6 };
}

type BenchHook = HookName & ("xdp" | "tcx-ingress");

/** What the kernel is asked to load for one value of the setting. */
function compiled(module: Module, hook: BenchHook, revision: number): ProgramSpec {
  const prepared = prepareModule(module, { revision });
  const [program] = prepared.module.programs;
  const code = compilePrepared(prepared, program!, hooks[hook], runningAbilities(), undefined);
  return programSpec(code, () => {
    throw new TypeError("a packet program needs no kernel types");
  });
}

/** HIR with other settings to a live program, and where the time goes. */
function phases(
  network: VirtualNetwork,
  module: Module,
  hook: BenchHook,
  compiler: "cold" | "warm",
  goal?: number,
): Row[] {
  progress(`HIR to live at ${hook}`);
  const { namespace } = network.host("a");
  const program = module.programs[0]!;
  using first = loadModule(module, [{ program, hook: hooks[hook] }]);
  using attachment = attach(first.entries[0]!.kernelProgram, { hook, device: "in0" }, { namespace });
  const maps = Object.fromEntries(first.maps);
  const stages = ["all", "compile", "load", "update"] as const;
  const wall = new Map(stages.map((stage) => [stage, [] as number[]]));
  const processor = new Map(stages.map((stage) => [stage, [] as number[]]));
  for (let change = 0; change < CHANGES; change++) {
    const start = clocks();
    const spec = compiled(module, hook, change);
    const made = clocks();
    using next = KernelProgram.load(spec, { maps });
    const loaded = clocks();
    attachment.update(next);
    const live = clocks();
    if (change < FIRST_CHANGES) continue;
    const spans = { all: [start, live], compile: [start, made], load: [made, loaded], update: [loaded, live] } as const;
    for (const stage of stages) {
      const [from, to] = spans[stage];
      wall.get(stage)!.push(to.wall - from.wall);
      processor.get(stage)!.push(to.processor - from.processor);
    }
  }
  const row = (what: string, stage: (typeof stages)[number]): Row => ({
    what,
    milliseconds: wall.get(stage)!,
    processor: processor.get(stage)!,
  });
  return [
    { ...row(`HIR to live, ${hook}, compiler ${compiler}`, "all"), ...(goal === undefined ? {} : { goal }) },
    row("  of which compiler", "compile"),
    row("  of which verifier and JIT", "load"),
    row("  of which update of the link", "update"),
  ];
}

/** The program at the device's XDP hook; undefined when there is none. */
function programAt(network: VirtualNetwork): number | undefined {
  using netlink = network.host("a").netlink();
  return getLink(netlink, "in0").xdp.nativeProgramId;
}

/** Milliseconds from `start` until another program than `before` is there. */
async function untilChanged(network: VirtualNetwork, before: number | undefined, start: number): Promise<number> {
  for (;;) {
    const now = programAt(network);
    if (now !== undefined && now !== before) return performance.now() - start;
    if (performance.now() - start > DEADLINE) throw new TypeError("no program came to the device in time");
    await sleep(1);
  }
}

/** The command as a user runs it, on a copy of the source, with a cache of its own. */
class CommandLine {
  readonly source: string;
  readonly #network: VirtualNetwork;
  readonly #netns: string;
  readonly #cache: string;

  constructor(network: VirtualNetwork, folder: string, netns: string) {
    this.#network = network;
    this.#netns = netns;
    this.#cache = join(folder, "cache");
    mkdirSync(join(folder, "function"));
    cpSync(benchFile("programs", "headers.ts"), join(folder, "headers.ts"));
    this.source = join(folder, "function", "program.ts");
    const text = readFileSync(benchFile("speed-of-change", "program.ts"), "utf8");
    writeFileSync(this.source, text.replace("../programs/headers.ts", "../headers.ts"));
  }

  start(...more: readonly string[]): ChildProcess {
    const args = ["run", this.source, "--attach", "xdp:in0", "--netns", this.#netns, "-o", "json", ...more];
    const env = { ...process.env, XDG_CACHE_HOME: this.#cache };
    return this.#network
      .host("b")
      .spawn(benchFile("..", "iovisor"), args, { env, stdio: ["ignore", "ignore", "inherit"] });
  }

  forgetCache(): void {
    rmSync(this.#cache, { recursive: true, force: true });
  }
}

async function stop(child: ChildProcess): Promise<void> {
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  await exit;
}

async function commandLine(network: VirtualNetwork, folder: string, netns: string): Promise<Row[]> {
  const command = new CommandLine(network, folder, netns);
  const start = async (cached: boolean) => {
    if (!cached) command.forgetCache();
    const began = performance.now();
    const child = command.start();
    const milliseconds = await untilChanged(network, undefined, began);
    await stop(child);
    return milliseconds;
  };
  const cold: number[] = [];
  const cached: number[] = [];
  for (let round = 1; round <= STARTS; round++) {
    progress(`start ${round} of ${STARTS}`);
    cold.push(await start(false));
    cached.push(await start(true));
  }
  return [
    { what: "iovisor run to live, from TypeScript", milliseconds: cold },
    { what: "iovisor run to live, HIR cached", milliseconds: cached, goal: 1500 },
    { what: "saved edit to live, --watch", milliseconds: await edits(network, command), goal: 150 },
  ];
}

async function edits(network: VirtualNetwork, command: CommandLine): Promise<number[]> {
  const text = readFileSync(command.source, "utf8");
  const child = command.start("--watch");
  await untilChanged(network, undefined, performance.now());
  const times: number[] = [];
  for (let edit = 1; edit <= EDITS; edit++) {
    progress(`edit ${edit} of ${EDITS}`);
    await sleep(300);
    const before = programAt(network);
    const start = performance.now();
    writeFileSync(command.source, text.replace("revision: u32.default(0", `revision: u32.default(${edit}`));
    times.push(await untilChanged(network, before, start));
  }
  await stop(child);
  return times;
}

function report(rows: readonly Row[], lines: number): BenchResult {
  const markdown = table(
    [
      { title: `a function of ${lines} lines`, of: ({ what }: Row) => what },
      { title: "median ms", of: ({ milliseconds }) => decimals(median(milliseconds), 2) },
      { title: "95% ms", of: ({ milliseconds }) => decimals(quantile(milliseconds, 0.95), 2) },
      { title: "processor ms", of: ({ processor }) => (processor ? decimals(median(processor), 2) : "") },
      { title: "goal", of: ({ goal }) => goal },
    ],
    rows,
  );
  const note =
    `"cold": changes ${FIRST_CHANGES + 1} to ${CHANGES} of a process. "warm": ${warmUpCompiles} compiles before, ` +
    "as many as the daemon makes in idle time after its start. " +
    "At XDP the update of the link waits while the kernel patches its dispatcher (bpf_dispatcher_change_prog), which " +
    "no loader can avoid; packets meet the old program until then. TCX has no such wait.";
  const missed = rows
    .filter(({ milliseconds, goal }) => goal !== undefined && median(milliseconds) > goal)
    .map(({ what, milliseconds, goal }) => `${what.trim()}: ${median(milliseconds).toFixed(1)} ms, goal ${goal}`);
  return { markdown: `${markdown}\n\n${note}`, plots: [], data: { lines, rows }, missed };
}
