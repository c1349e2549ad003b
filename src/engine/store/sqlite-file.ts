import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { isSqliteError, restoreRemedy, storeError, translated } from "./store-error.ts";

/** "IOVS": tells our files from those of other programs (PRAGMA application_id). */
const applicationId = 0x494f5653;
const busyMilliseconds = 5000;

/** Each brings the schema one version further. Those that were released never change. */
export const migrations: readonly string[] = [
  `CREATE TABLE entry (
     collection TEXT NOT NULL,
     key TEXT NOT NULL,
     value BLOB NOT NULL,
     version INTEGER NOT NULL,
     PRIMARY KEY (collection, key)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE counter (version INTEGER NOT NULL) STRICT;
   INSERT INTO counter (version) VALUES (0);`,
];

/**
 * Opens a store's file, made anew when there is none. An existing file is first looked through without the right to
 * write: what is damaged, of another program or of a newer version is refused and stays as it is.
 *
 * @throws IovisorError E_STORE
 */
export async function openDatabase(path: string, steps: readonly string[] = migrations): Promise<DatabaseSync> {
  try {
    const { DatabaseSync: Database } = await import("node:sqlite");
    if (!existsSync(path)) create(Database, path, steps);
    inspect(Database, path, steps);
    return prepared(Database, path, steps);
  } catch (error) {
    throw translated(systemError(error, path), path);
  }
}

function systemError(error: unknown, path: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall === undefined) return error;
  return storeError(
    path,
    `it cannot be made (${syscall}: ${code})`,
    "mend the path or the rights of its folder",
    error,
  );
}

/** Made under another name and linked when whole: a process that dies meanwhile leaves no half of a store. */
function create(Database: typeof DatabaseSync, path: string, steps: readonly string[]): void {
  if (existsSync(`${path}-wal`))
    throw storeError(path, `it is missing, but its ${path}-wal is there`, restoreRemedy(path));
  // One level: Node's recursive mkdir never returns where a file system answers ENOENT to it, as /proc does.
  if (!existsSync(dirname(path))) mkdirSync(dirname(path), { mode: 0o700 });
  removeUnfinished(path);
  const unfinished = `${path}.new-${process.pid}`;
  // Configurations hold secrets: for the owner only. SQLite gives its -wal and -shm the same mode.
  closeSync(openSync(unfinished, "wx", 0o600));
  try {
    prepared(Database, unfinished, steps).close();
    linkSync(unfinished, path);
    syncFolder(path);
  } catch (error) {
    // Another process was first: its file serves.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    for (const ending of ["", "-wal", "-shm", "-journal"]) rmSync(unfinished + ending, { force: true });
  }
}

/** What processes left that died while they made the store. */
function removeUnfinished(path: string): void {
  const prefix = `${basename(path)}.new-`;
  for (const name of readdirSync(dirname(path))) {
    const pid = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : Number.NaN;
    const alive = Number.isNaN(pid) || (pid !== process.pid && existsSync(`/proc/${pid}`));
    if (!alive) rmSync(join(dirname(path), name), { force: true });
  }
}

/** The new name is on the disk only when its folder is. */
function syncFolder(path: string): void {
  const folder = openSync(dirname(path), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function inspect(Database: typeof DatabaseSync, path: string, steps: readonly string[]): void {
  if (statSync(path).size === 0) throw storeError(path, "it is damaged (it is empty)", restoreRemedy(path));
  const check = (readOnly: boolean): void => {
    using database = new Database(path, { readOnly, timeout: busyMilliseconds });
    examine(database, path, steps.length);
  };
  try {
    check(true);
  } catch (error) {
    // SQLITE_READONLY: what a process that died had not finished has to be rolled back first, which takes a write.
    if (!isSqliteError(error) || (error.errcode & 0xff) !== 8) throw error;
    check(false);
  }
}

function examine(database: DatabaseSync, path: string, known: number): void {
  if (pragma(database, "application_id") !== applicationId)
    throw storeError(path, "it is no store of IO Visor", "give the path of another file; this one was left as it is");
  const version = Number(pragma(database, "user_version"));
  if (version > known) {
    const message = `its version is ${version}, and this program knows up to ${known}`;
    throw storeError(path, message, "use the newer IO Visor that made it, or a backup from before");
  }
  const found = pragma(database, "integrity_check(1)");
  if (found !== "ok") throw storeError(path, `it is damaged (${found})`, restoreRemedy(path));
}

function pragma(database: DatabaseSync, name: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}

/** A connection with its settings, at the newest version of the schema. */
function prepared(Database: typeof DatabaseSync, path: string, steps: readonly string[]): DatabaseSync {
  const database = new Database(path, { timeout: busyMilliseconds });
  try {
    // FULL: a commit is on the disk when it returns; WAL's default syncs at checkpoints only.
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF");
    migrate(database, steps);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** All steps in one transaction; another process that opens the file meanwhile waits, and finds nothing to do. */
function migrate(database: DatabaseSync, steps: readonly string[]): void {
  if (pragma(database, "user_version") === steps.length) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    for (const step of steps.slice(Number(pragma(database, "user_version")))) database.exec(step);
    database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${steps.length}; COMMIT`);
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}
