import type { ExpectedRun } from "../../fuzz/witnesses/runs.ts";
import type { Abilities } from "../../src/engine/abilities.ts";
import type { ProgramSpec } from "../../src/kernel/programs.ts";
import type { HookName } from "../../src/language/kinds.ts";

/**
 * What a guest tells its host: one JSON record a line, over a serial line. Groups run in this order: those that say
 * most about a kernel come first, should time run out.
 */
export const groups = ["features", "examples", "fuzz", "tests"] as const;
export type Group = (typeof groups)[number];

export const statuses = ["accepted", "unsupported", "failed"] as const;
export type Status = (typeof statuses)[number];

export interface Check {
  readonly kind: "check";
  readonly group: Group;
  /** The same for the same check on every kernel. */
  readonly name: string;
  readonly status: Status;
  /** One line: why not, or what there is to say about a success. */
  readonly reason?: string;
  /** All that helps to find the cause of a failure: a verifier log, for example. */
  readonly details?: string;
}

export type GuestRecord =
  | { readonly kind: "begin"; readonly release: string }
  /** A group's checks begin now. */
  | { readonly kind: "group"; readonly group: Group }
  | Check
  /** A group's checks are through. */
  | { readonly kind: "through"; readonly group: Group; readonly seconds: number }
  | { readonly kind: "end" };

/** What a guest is to do; a file on its disk. */
export interface Job {
  readonly groups: readonly Group[];
  /** Test files, relative to the project. */
  readonly tests: readonly string[];
  /** Names of the examples; their HIR is NAME.hir.json in the job's folder. */
  readonly examples: readonly string[];
}

/** A generated program; the job's file "fuzz" is a list of these in the form of `v8.serialize`. */
export interface FuzzProgram {
  readonly name: string;
  readonly source: string;
  readonly hir: string;
  /** Values for its settings. */
  readonly given: Readonly<Record<string, unknown>>;
  /** Ready for kernels of different abilities; none for what must be compiled against a kernel's own types. */
  readonly compiled: readonly CompiledVariant[];
}

/** What a kernel can do, as far as compiled code depends on it. */
export function abilitiesKey({ target, longLoops, mayGoto }: Abilities): string {
  const others = [target.mixedStackWrites ? "mixed" : "plain", ...(mayGoto ? ["may_goto"] : [])];
  return `v${target.isa} ${longLoops} ${others.join(" ")}`;
}

export interface CompiledVariant {
  readonly abilities: string;
  readonly hook: HookName;
  readonly spec: ProgramSpec;
  /** Instructions that call kernel functions, whose numbers only the kernel knows. */
  readonly kernelFunctions: readonly { readonly index: number; readonly name: string }[];
  /** What the interpreter says of some packets. */
  readonly runs: readonly ExpectedRun[];
}

/** Where the job is in a guest, and the line that takes the records. */
export const jobFolder = "/job";
export const recordsDevice = "/dev/ttyS1";
/** The word of the kernel's command line that says how many seconds the checks may take; the kernel ignores it. */
export const secondsWord = "iovisor.seconds";
