/**
 * A reporter for `node --test-reporter`: one JSON record a line for each test that ended, and one at the end. It runs
 * inside the test's process, where errors are still whole; `test-file.ts` reads what it wrote.
 */
import { AssertionError } from "node:assert";
import type { TestEvent } from "node:test/reporters";
import { inspect } from "node:util";

export type TestRecord =
  | { readonly kind: "pass"; readonly name: string; readonly seconds: number }
  | { readonly kind: "skip"; readonly name: string; readonly reason: string }
  | { readonly kind: "fail"; readonly name: string; readonly place: string; readonly error: string }
  /** What a test wrote with `t.diagnostic`, a seed for example. */
  | { readonly kind: "note"; readonly text: string }
  /** The last record; when it is missing, the process ended early. */
  | { readonly kind: "end" };

type Ended = Extract<TestEvent, { type: "test:pass" | "test:fail" }>;

/** node adds totals as diagnostics of their own; we count ourselves. */
const nodesOwnTotals = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) /;

export default async function* reporter(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const open: string[] = [];
  for await (const event of events) {
    const record = toRecord(event, open);
    if (record) yield `${JSON.stringify(record)}\n`;
  }
  yield `${JSON.stringify({ kind: "end" } satisfies TestRecord)}\n`;
}

function toRecord(event: TestEvent, open: string[]): TestRecord | undefined {
  switch (event.type) {
    case "test:start":
      open.length = event.data.nesting;
      open.push(event.data.name);
      return undefined;
    case "test:diagnostic":
      return nodesOwnTotals.test(event.data.message) ? undefined : { kind: "note", text: event.data.message };
    case "test:pass":
    case "test:fail":
      return ended(event, [...open.slice(0, event.data.nesting), event.data.name].join(" > "));
    default:
      return undefined;
  }
}

function ended(event: Ended, name: string): TestRecord | undefined {
  const { skip, details, file, line } = event.data;
  const place = `${file ?? ""}:${line ?? 0}`;
  if (event.type === "test:fail") {
    const error = event.data.details.error as Error & { failureType?: string };
    if (error.failureType === "subtestsFailed") return undefined; // each of them has a record of its own
    return { kind: "fail", name, place, error: describe(error.cause ?? error) };
  }
  if (skip !== undefined && skip !== false) {
    if (typeof skip === "string" && skip !== "") return { kind: "skip", name, reason: skip };
    return { kind: "fail", name, place, error: "skipped without a reason: write { skip: reason } or t.skip(reason)" };
  }
  if (details.type === "suite") return undefined;
  return { kind: "pass", name, seconds: details.duration_ms / 1000 };
}

/** An error without the frames of Node itself, and without an assertion's properties: its message has them. */
function describe(error: unknown): string {
  const text = error instanceof AssertionError ? (error.stack ?? error.message) : inspect(error);
  return text
    .split("\n")
    .filter((line) => !/^\s+at .*\(?node:/.test(line))
    .join("\n");
}
