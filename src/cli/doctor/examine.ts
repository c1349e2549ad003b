import { release } from "node:os";
import { type FeatureResult, featureGroups, probe } from "../../kernel/features.ts";
import type { DoctorArguments } from "../commands/doctor.ts";
import { exitCodes } from "../exit-codes.ts";
import { toJson } from "../json.ts";
import { paint } from "../terminal.ts";
import { type Fact, machineFacts } from "./machine.ts";

interface Finding {
  readonly group: string;
  readonly name: string;
  readonly what: string;
  readonly minimumKernel: string;
  readonly result: FeatureResult;
}

/** What packet functions need at least: without these `run` cannot work. */
const essential = ["bpf", "xdp-generic"];

/** `iovisor doctor`. Gives the exit code. */
export function examine({ all, output }: DoctorArguments): number {
  const facts = machineFacts();
  const findings = featureGroups.flatMap(({ title, features }) =>
    features.map(({ name, what, minimumKernel }): Finding => {
      return { group: title, name, what, minimumKernel, result: probe(name) };
    }),
  );
  const able = findings.filter(({ name }) => essential.includes(name)).every(({ result }) => result.supported);
  if (output === "json") process.stdout.write(`${toJson({ kernel: release(), able, facts, findings })}\n`);
  else process.stdout.write(`${render(facts, findings, all === true)}\n${verdict(able, findings)}\n`);
  return able ? exitCodes.ok : exitCodes.failed;
}

function render(facts: readonly Fact[], findings: readonly Finding[], all: boolean): string {
  const lines = facts.map(({ what, value, good }) => `${mark(good)} ${what}: ${value}`);
  for (const [group, members] of Map.groupBy(findings, (one) => one.group)) {
    const there = members.filter(({ result }) => result.supported).length;
    lines.push("", `${paint("bold", group)} ${paint("dim", `${there} of ${members.length}`)}`);
    const shown = members.filter(({ result }) => all || !result.supported);
    for (const alike of Map.groupBy(shown, reasonOf).values()) lines.push(...renderAlike(alike));
  }
  return lines.join("\n");
}

/** Features that are missing for one reason are told in one line when they are many. */
const manyAlike = 4;

function reasonOf({ name, result }: Finding): string {
  return result.supported ? name : result.reason;
}

function renderAlike(findings: readonly Finding[]): readonly string[] {
  const [first] = findings;
  if (!first || first.result.supported || findings.length < manyAlike) return findings.map(line);
  const names = findings.map(({ name }) => name).join(", ");
  return [`  ${mark(false)} ${names}`, `      ${paint("dim", first.result.reason)}`];
}

function line({ name, what, minimumKernel, result }: Finding): string {
  if (result.supported) return `  ${mark(true)} ${name}: ${what}`;
  const since = olderThan(minimumKernel) ? ` (Linux ${minimumKernel} or later)` : "";
  return `  ${mark(false)} ${name}: ${what}${since}\n      ${paint("dim", result.reason)}`;
}

function mark(good: boolean): string {
  return good ? paint("green", "+") : paint("red", "-");
}

/** Whether the running kernel is older: then the version is the likely reason. */
function olderThan(minimum: string): boolean {
  const [major = 0, minor = 0] = release().split(/[.-]/).map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = minimum.split(".").map(Number);
  return major < wantedMajor || (major === wantedMajor && minor < wantedMinor);
}

function verdict(able: boolean, findings: readonly Finding[]): string {
  const missing = findings.filter(({ result }) => !result.supported).length;
  if (able && missing === 0) return paint("green", "\neverything that IO Visor uses is there");
  if (able) return paint("green", `\npacket functions run in this kernel; ${missing} features are missing (above)`);
  const root = process.geteuid?.() === 0;
  const advice = root
    ? "this environment forbids it to root, too: a container needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON from its host"
    : "run it as root";
  const head = paint("red", "\npacket functions cannot run in this kernel from here");
  return `${head}: ${advice}. \`iovisor explain\` runs them on the built-in VM.`;
}
