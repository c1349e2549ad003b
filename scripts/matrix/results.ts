import type { GuestRun } from "./guest.ts";
import type { Kernel } from "./kernels.ts";
import type { Check, Group } from "./records.ts";

/** What came of one kernel. */
export interface KernelResults {
  readonly series: string;
  readonly release: string;
  readonly seconds: number;
  readonly checks: readonly Check[];
}

/** The checks of a run. A group that did not come to its end adds a failed check that says so. */
export function resultsOf(kernel: Kernel, chosen: readonly Group[], run: GuestRun): KernelResults {
  const checks = run.records.filter((record) => record.kind === "check");
  const through = new Set(run.records.flatMap((record) => (record.kind === "through" ? [record.group] : [])));
  for (const group of chosen) {
    if (through.has(group)) continue;
    const reason = `not through: the guest ${run.trouble ?? "lost it"}`;
    checks.push({ kind: "check", group, name: "all of them", status: "failed", reason });
  }
  return { series: kernel.series, release: kernel.release, seconds: run.seconds, checks };
}

/** How many checks of each status. */
export function countStatuses(checks: readonly Check[]): Readonly<Record<Check["status"], number>> {
  const counts = { accepted: 0, unsupported: 0, failed: 0 };
  for (const { status } of checks) counts[status]++;
  return counts;
}
