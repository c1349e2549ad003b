/** What was compared for one program. */
export interface Tally {
  runs: number;
  /** Programs that the kernel took. */
  loads: number;
  /** Those of them that have `may_goto`. */
  mayGoto: number;
  /** Those that the verifier took in the form with few paths only. */
  fewPaths: number;
  skipped: number;
}

/** What became of one program. */
export type Outcome =
  | ({ readonly kind: "agreed" } & Readonly<Tally>)
  /** The language's rules refuse it, by a diagnostic's code. */
  | { readonly kind: "refused"; readonly code: string; readonly message: string }
  | Failure;

export interface Failure {
  readonly kind: "failed";
  /** What kind of failure it is, without the particulars: a smaller program that fails in this way is the same. */
  readonly signature: string;
  /** All that a reader needs: what each witness saw, a log, a stack. */
  readonly details: string;
  /** For a difference: how to see it again. */
  readonly configuration?: string;
  readonly hook?: string;
}

export function failed(
  signature: string,
  details: string,
  where: { configuration?: string; hook?: string } = {},
): Failure {
  return { kind: "failed", signature, details, ...where };
}

/** An exception as a failure: its place in the source tells one from another. */
export function thrown(stage: string, cause: unknown, where: { configuration?: string; hook?: string } = {}): Failure {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const place =
    (error.stack ?? "")
      .split("\n")
      .find((line) => line.includes("/src/"))
      ?.match(/src\/[\w/.-]+/)?.[0] ?? "";
  const text = error.message.replace(/\d+/g, "N").slice(0, 80);
  return failed(`${stage}: ${error.name} ${text} in ${place}`, error.stack ?? error.message, where);
}
