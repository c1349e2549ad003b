import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestRecord } from "./reporter.ts";

/** What came of one test file, or of one check (types, lint). */
export interface Outcome {
  readonly name: string;
  readonly seconds: number;
  readonly passed: number;
  readonly skips: readonly { readonly name: string; readonly reason: string }[];
  readonly failures: readonly Failure[];
}

export interface Failure {
  readonly name: string;
  /** Everything that helps to find the cause, ready to print. */
  readonly text: string;
}

interface Ended {
  readonly seconds: number;
  readonly output: string;
  /** Undefined when it ended well, else what happened, as part of a sentence. */
  readonly trouble: string | undefined;
}

/** A process that does not end on SIGTERM gets SIGKILL after this. */
const graceSeconds = 5;
/** Of what a failing file printed, this much is shown. */
const shownOutput = 16 * 1024;

/** The process groups under way, for `stopAll`. */
const groups = new Set<number>();

/** Ends everything that `runProcess` started: for Ctrl-C, which does not reach process groups of their own. */
export function stopAll(): void {
  for (const group of groups) signalGroup(group, "SIGTERM");
}

interface Limits {
  /** The project's folder: the working directory. */
  readonly root: string;
  readonly limitSeconds: number;
}

/** Runs one test file in a process of its own, with the modules `preload` imported first. */
export async function runTestFile(path: string, options: Limits & { preload: readonly string[] }): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "iovisor-test-"));
  try {
    const records = join(folder, "records");
    const preload = [join(options.root, "scripts/resolve-hook.ts"), ...options.preload];
    const ended = await runProcess(process.execPath, nodeArguments(preload, records, path), options);
    return summarise(path, ended, readRecords(records), options.root);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function nodeArguments(preload: readonly string[], records: string, path: string): string[] {
  return [
    "--disable-warning=ExperimentalWarning",
    ...preload.flatMap((module) => ["--import", module]),
    ...["--test-reporter", join(import.meta.dirname, "reporter.ts"), "--test-reporter-destination", records],
    path,
  ];
}

/**
 * Runs a command in a process group of its own. Afterwards the whole group is gone: what the command left running is
 * named in `trouble` and killed.
 */
export async function runProcess(command: string, args: readonly string[], options: Limits): Promise<Ended> {
  const started = performance.now();
  const child = spawn(command, args, {
    cwd: options.root,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, IOVISOR_DEBUG: "1" }, // descriptors then say where they were created
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
  const group = child.pid;
  if (group !== undefined) groups.add(group);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    if (group !== undefined) void endGroup(group);
  }, options.limitSeconds * 1000);
  const exit = await new Promise<{ code: number | null; signal: string | null } | Error>((resolve) => {
    child.once("error", resolve);
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  clearTimeout(timer);
  const leftRunning = group !== undefined && !late && (await endGroup(group));
  if (group !== undefined) groups.delete(group);
  const output = Buffer.concat(chunks).toString("utf8");
  const seconds = (performance.now() - started) / 1000;
  return { seconds, output, trouble: describeTrouble(exit, late, leftRunning, options.limitSeconds) };
}

function describeTrouble(
  exit: { code: number | null; signal: string | null } | Error,
  late: boolean,
  leftRunning: boolean,
  limitSeconds: number,
): string | undefined {
  if (exit instanceof Error) return `could not be started: ${exit.message}`;
  if (late) return `was stopped after ${limitSeconds} s`;
  if (exit.signal !== null) return `was ended by ${exit.signal}`;
  if (exit.code !== 0) return `ended with exit code ${exit.code}`;
  return leftRunning ? "left processes running" : undefined;
}

/** Ends a process group and waits until it is gone. False when nothing of it was left. */
async function endGroup(group: number): Promise<boolean> {
  if (!signalGroup(group, "SIGTERM")) return false;
  const deadline = performance.now() + graceSeconds * 1000;
  while (signalGroup(group, 0)) {
    if (performance.now() > deadline) signalGroup(group, "SIGKILL");
    await sleep(20);
  }
  return true;
}

/** False when the group is no more. */
function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-group, signal);
  } catch {
    return false;
  }
}

/** The records that the reporter wrote; none when the process ended before it wrote any. */
function readRecords(path: string): TestRecord[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return [];
  }
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  return whole
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as TestRecord);
}

function summarise(path: string, ended: Ended, records: readonly TestRecord[], root: string): Outcome {
  const failures: Failure[] = [];
  for (const record of records) {
    if (record.kind !== "fail") continue;
    failures.push({ name: record.name, text: `${relative(record.place, root)}\n${record.error}` });
  }
  const count = (kind: TestRecord["kind"]): number => records.filter((record) => record.kind === kind).length;
  const trouble = fileTrouble(ended, records.at(-1)?.kind === "end", count("pass") + count("skip"), failures.length);
  if (trouble !== undefined) failures.push({ name: "the file as a whole", text: `${path} ${trouble}` });
  const last = failures.pop();
  if (last) failures.push({ ...last, text: last.text + context(records, ended.output) });
  return {
    name: path,
    seconds: ended.seconds,
    passed: count("pass"),
    skips: records.filter((record) => record.kind === "skip"),
    failures,
  };
}

/** What is wrong with the file beyond its failing tests. */
function fileTrouble(ended: Ended, complete: boolean, ran: number, failed: number): string | undefined {
  if (!complete && ended.trouble !== undefined) return `${ended.trouble} before its tests were through`;
  if (!complete) return "gave no results: it has no test, or it ends its own process early";
  if (failed > 0) return undefined; // its exit code says no more than the failing tests do
  if (ended.trouble !== undefined) return ended.trouble;
  return ran === 0 ? "has no test" : undefined;
}

/** What the file noted (seeds) and printed, shown once, after its last failure. */
function context(records: readonly TestRecord[], output: string): string {
  const notes = records.flatMap((record) => (record.kind === "note" ? [record.text] : []));
  const printed = output.length > shownOutput ? `...\n${output.slice(-shownOutput)}` : output;
  const parts = [...notes, ...(printed.trim() === "" ? [] : [`it printed:\n${printed.trimEnd()}`])];
  return parts.length === 0 ? "" : `\n${parts.join("\n")}`;
}

function relative(place: string, root: string): string {
  return place.startsWith(`${root}/`) ? place.slice(root.length + 1) : place;
}
