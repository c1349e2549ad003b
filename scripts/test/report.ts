import type { Outcome } from "./test-file.ts";

/** Of one failure, this many lines are shown. */
const shownLines = 400;

/** One line as soon as a file is through, its failures below it. */
export function printOutcome(outcome: Outcome): void {
  const mark = outcome.failures.length > 0 ? "FAIL" : "ok  ";
  const skipped = outcome.skips.length > 0 ? `, ${outcome.skips.length} skipped` : "";
  console.log(`${mark} ${outcome.name}  ${outcome.passed} passed${skipped}  ${outcome.seconds.toFixed(1)} s`);
  for (const failure of outcome.failures) {
    console.log(`     failed: ${failure.name}`);
    console.log(shortened(failure.text).replace(/^/gm, "       "));
  }
}

/** A failure's text, with the middle of a very long one left out. */
function shortened(text: string): string {
  const lines = text.split("\n");
  if (lines.length <= shownLines) return text;
  const half = shownLines / 2;
  return [...lines.slice(0, half), `... ${lines.length - shownLines} lines left out ...`, ...lines.slice(-half)].join(
    "\n",
  );
}

/** What was skipped and why, what failed, and the last line. */
export function printSummary(outcomes: readonly Outcome[]): void {
  const skips = outcomes.flatMap((outcome) => outcome.skips);
  const reasons = Map.groupBy(skips, (skip) => skip.reason);
  if (reasons.size > 0) console.log("\nSkipped:");
  for (const [reason, tests] of reasons) {
    console.log(`  ${tests.length} ${tests.length === 1 ? "test" : "tests"}: ${reason}`);
  }
  const failing = outcomes.filter((outcome) => outcome.failures.length > 0);
  if (failing.length > 0) console.log("\nFailed:");
  for (const { name, failures } of failing) for (const failure of failures) console.log(`  ${name}: ${failure.name}`);
  console.log(`\n${totals(outcomes)}`);
}

/** `N passed, N failed`, and `, N skipped` when there are any. */
export function totals(outcomes: readonly Outcome[]): string {
  const sum = (count: (outcome: Outcome) => number): number =>
    outcomes.reduce((total, outcome) => total + count(outcome), 0);
  const skipped = sum((outcome) => outcome.skips.length);
  const line = `${sum((outcome) => outcome.passed)} passed, ${sum((outcome) => outcome.failures.length)} failed`;
  return skipped > 0 ? `${line}, ${skipped} skipped` : line;
}
