import { appendFileSync } from "node:fs";
import { inspect } from "node:util";
import { NotSupported } from "../../../src/errors.ts";
import { VerifierError } from "../../../src/kernel/programs.ts";
import { type Check, type Group, type GuestRecord, recordsDevice } from "../records.ts";

/** Of a verifier's log the end is what matters. */
const shownLog = 8000;

export function emit(record: GuestRecord): void {
  appendFileSync(recordsDevice, `${JSON.stringify(record)}\n`);
}

/**
 * Runs one check and tells how it went: "not supported" is an answer, everything else that is thrown a failure, to
 * whose details `context` is added.
 */
export function check(group: Group, name: string, body: () => string | undefined, context = ""): void {
  const { details, ...result } = outcome(body);
  const whole = details === undefined ? {} : { details: `${details}\n${context}` };
  emit({ kind: "check", group, name, ...result, ...whole });
}

function outcome(body: () => string | undefined): Pick<Check, "status" | "reason" | "details"> {
  try {
    const reason = body();
    return { status: "accepted", ...(reason === undefined ? {} : { reason }) };
  } catch (cause) {
    const reason = firstLine(cause);
    if (cause instanceof NotSupported) return { status: "unsupported", reason };
    const log = cause instanceof VerifierError ? `\n${cause.log.slice(-shownLog)}` : "";
    return { status: "failed", reason, details: `${inspect(cause)}${log}` };
  }
}

function firstLine(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.split("\n")[0] ?? "";
}
