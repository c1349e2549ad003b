/** What a guest does: the groups of checks that the job names, each in a process of its own. */
import { release } from "node:os";
import { join } from "node:path";
import { type Outcome, runProcess, runTestFile } from "../../test/test-file.ts";
import type { Group } from "../records.ts";
import { emit } from "./emit.ts";
import { readJob, secondsGiven } from "./job.ts";

const root = join(import.meta.dirname, "../../..");
/** Under emulation a test takes some ten times longer than on a machine. */
const testSeconds = 120;
/** Of a failure's text. */
const shownText = 6000;

const job = readJob();
const deadline = performance.now() + secondsGiven() * 1000;
emit({ kind: "begin", release: release() });
for (const group of job.groups) {
  const started = performance.now();
  emit({ kind: "group", group });
  if (group === "tests") await runTests(job.tests);
  else await runGroup(group);
  emit({ kind: "through", group, seconds: (performance.now() - started) / 1000 });
}
emit({ kind: "end" });

function secondsLeft(): number {
  return Math.max(1, Math.floor((deadline - performance.now()) / 1000));
}

async function runGroup(group: Exclude<Group, "tests">): Promise<void> {
  const args = ["--disable-warning=ExperimentalWarning", join(import.meta.dirname, `${group}.ts`)];
  const { trouble, output } = await runProcess(process.execPath, args, { root, limitSeconds: secondsLeft() });
  if (output !== "") console.log(output);
  if (trouble === undefined) return;
  const reason = `the process of this group ${trouble}`;
  emit({ kind: "check", group, name: "all of them", status: "failed", reason, details: output.slice(-shownText) });
}

async function runTests(files: readonly string[]): Promise<void> {
  const preload = [join(root, "test/setup.ts")];
  for (const file of files) {
    const limitSeconds = Math.min(testSeconds, secondsLeft());
    reportTests(await runTestFile(file, { root, limitSeconds, preload }));
  }
}

function reportTests({ name, passed, skips, failures, seconds }: Outcome): void {
  const skipped = skips.length > 0 ? `, ${skips.length} skipped` : "";
  const common = { kind: "check", group: "tests", name } as const;
  if (failures.length > 0) {
    const details = failures.map((failure) => `${failure.name}\n${failure.text.slice(0, shownText)}`).join("\n\n");
    const names = failures.map((failure) => failure.name).join("; ");
    emit({ ...common, status: "failed", reason: `${passed} passed${skipped}, failed: ${names}`, details });
    return;
  }
  const reasons = [...new Set(skips.map((skip) => skip.reason))].join("; ");
  const status = passed === 0 ? "unsupported" : "accepted";
  const reason = `${passed} passed${skipped} in ${seconds.toFixed(0)} s${reasons === "" ? "" : ` (${reasons})`}`;
  emit({ ...common, status, reason });
}
