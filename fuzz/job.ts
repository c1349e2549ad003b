import type { Outcome } from "./witnesses/outcome.ts";

/** What a run of the fuzzer is to do; the same numbers do the same. */
export interface FuzzOptions {
  readonly kind: FuzzKind;
  readonly seed: number;
  readonly programs: number;
  /** The first index. */
  readonly start: number;
  readonly workers: number;
  readonly packets: number;
  readonly kernel: boolean;
  /** Make failing programs smaller. */
  readonly shrink: boolean;
}

export type FuzzKind = "programs" | "hir" | "switch" | "router" | "acl" | "fused";

/** What a worker is started with: every `stride`th index from `start` on. */
export interface Job extends FuzzOptions {
  readonly end: number;
  readonly stride: number;
}

/** What a worker tells. */
export type Report =
  | { readonly kind: "started"; readonly index: number }
  | {
      readonly kind: "finished";
      readonly index: number;
      readonly outcome: Outcome;
      readonly milliseconds: number;
      readonly coverage: Readonly<Record<string, number>>;
      /** The smallest source that fails in the same way. */
      readonly smallest?: string;
    };
