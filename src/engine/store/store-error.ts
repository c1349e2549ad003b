import { IovisorError } from "../../errors.ts";

export function storeError(path: string, message: string, remedy: string, cause?: unknown): IovisorError {
  return new IovisorError("E_STORE", `${path}: ${message}`, remedy, cause === undefined ? {} : { cause });
}

/** How to go on when the file cannot be understood. */
export function restoreRemedy(path: string): string {
  return (
    `the file was left as it is; stop the daemon, move it aside with ${path}-wal and ${path}-shm, then put a backup ` +
    `in its place, or start without and apply the graph's file again (\`sqlite3 ${path} .recover\` reads out what is left)`
  );
}

interface Failure {
  readonly message: string;
  readonly remedy?: string;
}

/** By SQLite's primary result codes (sqlite3.h); a failure without a remedy of its own is one of the file. */
const failures: Readonly<Record<number, Failure>> = {
  5: { message: "another process holds it", remedy: "end the other process, or wait for it" },
  8: { message: "it cannot be written", remedy: "mend the rights of the file and its folder" },
  10: { message: "reading or writing failed", remedy: "look into the kernel's log for errors of the disk" },
  11: { message: "it is damaged" },
  13: { message: "there is no room left on the disk", remedy: "make room, then do it again: nothing was lost" },
  14: { message: "it cannot be opened", remedy: "mend the path, or the rights of the file and its folder" },
  26: { message: "it is damaged, or no database" },
};

/** An error of SQLite as one of ours; any other as it is. */
export function translated(error: unknown, path: string): unknown {
  if (!isSqliteError(error)) return error;
  const { message, remedy } = failures[error.errcode & 0xff] ?? { message: "the database failed" };
  return storeError(path, `${message} (${error.message})`, remedy ?? restoreRemedy(path), error);
}

export function isSqliteError(error: unknown): error is Error & { readonly errcode: number } {
  return error instanceof Error && (error as { readonly code?: unknown }).code === "ERR_SQLITE_ERROR";
}
