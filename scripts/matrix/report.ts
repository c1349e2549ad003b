import { writeFileSync } from "node:fs";
import type { Check, Group, Status } from "./records.ts";
import { countStatuses, type KernelResults } from "./results.ts";

/** As the table shows it; features are there or not, everything else is accepted or not. */
const words: Readonly<Record<Status, string>> = {
  accepted: "accepted",
  unsupported: "NotSupported",
  failed: "FAILED",
};
const columnGap = 2;

/** The table of kernels and checks, and below it the reason of everything that was not accepted. */
export function table(results: readonly KernelResults[], chosen: readonly Group[]): string {
  const rows: string[][] = [["", ...results.map(({ release }) => release)]];
  for (const group of chosen) {
    rows.push([group]);
    if (group === "fuzz") rows.push(["  programs", ...results.map(({ checks }) => counted(ofGroup(checks, group)))]);
    else for (const name of namesOf(results, group)) rows.push([`  ${name}`, ...results.map(cellFor(group, name))]);
  }
  const remarks = results.flatMap(({ release, checks }) =>
    checks
      .filter(({ status }) => status !== "accepted")
      .map((one) => `${release}: ${words[one.status]} ${one.group} ${one.name}: ${one.reason ?? ""}`),
  );
  return [aligned(rows), ...(remarks.length > 0 ? ["", ...remarks] : [])].join("\n");
}

export function summaryLine(results: readonly KernelResults[]): string {
  const { accepted, unsupported, failed } = countStatuses(results.flatMap(({ checks }) => checks));
  return `${accepted} accepted, ${unsupported} not supported, ${failed} failed`;
}

/** Everything that a guest told, for people. */
export function writeLog(path: string, { release, seconds, checks }: KernelResults): void {
  const lines = checks.map(({ group, name, status, reason, details }) => {
    const more = details === undefined ? "" : `\n${details.replace(/^/gm, "    ")}`;
    return `${group}: ${name}: ${words[status]}${reason === undefined ? "" : `: ${reason}`}${more}\n`;
  });
  writeFileSync(path, `Linux ${release}, ${seconds.toFixed(1)} s\n\n${lines.join("")}`);
}

function ofGroup(checks: readonly Check[], group: Group): Check[] {
  return checks.filter((one) => one.group === group);
}

function namesOf(results: readonly KernelResults[], group: Group): Set<string> {
  return new Set(results.flatMap(({ checks }) => ofGroup(checks, group).map(({ name }) => name)));
}

function cellFor(group: Group, name: string): (results: KernelResults) => string {
  return ({ checks }) => {
    const found = checks.find((one) => one.group === group && one.name === name);
    return found ? words[found.status] : "no result";
  };
}

function counted(checks: readonly Check[]): string {
  const { accepted, unsupported, failed } = countStatuses(checks);
  const parts = [`${accepted} accepted`];
  if (unsupported > 0) parts.push(`${unsupported} NotSupported`);
  if (failed > 0) parts.push(`${failed} FAILED`);
  return parts.join(", ");
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(widths[column]! + columnGap)).join("");
  return rows.map((row) => line(row).trimEnd()).join("\n");
}
