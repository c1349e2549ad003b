/** What a feature is, and how its probe tells "no" from a defect of ours. */
import { IovisorError } from "../../errors.ts";
import { VerifierError } from "../programs/verifier-error.ts";

/** What a probe found. `reason` says why not, in words. */
export type FeatureResult = { readonly supported: true } | { readonly supported: false; readonly reason: string };

/** Something that kernels have or lack, and how to find out by trying. */
export interface Feature {
  /** Stable, for example "tcx" or "map:ringbuf". */
  readonly name: string;
  /** What it is, for people. */
  readonly what: string;
  /** The first Linux release that has it. */
  readonly minimumKernel: string;
  /** The attempt makes sense although bpf(2) is not permitted. */
  readonly withoutBpf?: true;
  /** Tries to use it and leaves nothing behind. Throws an IovisorError if it is not there. */
  readonly attempt: () => void;
}

function reasonOf(error: IovisorError): string {
  if (error instanceof VerifierError) return `the verifier refused it: ${error.parsed.reason}`;
  return error.message.split("\n")[0]!;
}

/** An error of Node's file functions: a missing or read-only directory is an answer too. */
function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === "string";
}

/** Runs an attempt. Errors that are not the machine's answer are defects and pass through. */
export function outcomeOf(attempt: () => void): FeatureResult {
  try {
    attempt();
    return { supported: true };
  } catch (error) {
    if (isFileError(error)) return { supported: false, reason: error.message };
    if (!(error instanceof IovisorError)) throw error;
    return { supported: false, reason: reasonOf(error) };
  }
}
