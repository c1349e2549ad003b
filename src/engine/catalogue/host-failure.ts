import { IovisorError } from "../../errors.ts";
import { placeInFile } from "../stack-place.ts";

const remedy = "mend the function's host side; docs/functions.md shows one";

/** What a host side did wrong, with the place in its file where that can be told. */
export function hostFailure(file: string, what: string, cause: unknown): IovisorError {
  const why = cause === undefined ? "" : `: ${cause instanceof Error ? cause.message : String(cause)}`;
  return new IovisorError("E_HOST_SIDE", `${file}${placeInFile(file, cause)}: ${what}${why}`, remedy, { cause });
}

/** Calls a part of a host side. What it throws is its fault, not a defect of this program. */
export function askHost<T>(where: { readonly hostFile?: string }, instance: string, part: string, ask: () => T): T {
  try {
    return ask();
  } catch (cause) {
    // Errors on purpose are for whoever asked: a row that does not fit, for example.
    if (where.hostFile === undefined || cause instanceof IovisorError) throw cause;
    throw hostFailure(where.hostFile, `${part} for "${instance}" failed`, cause);
  }
}
