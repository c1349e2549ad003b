import type { DatabaseSync, StatementSync } from "node:sqlite";
import { Serial, Watchers, WriteLog } from "./serial.ts";
import { openDatabase } from "./sqlite-file.ts";
import type { Entry, ListOptions, Store, StoreEvent, Transaction, TransactOptions } from "./store.ts";
import { translated } from "./store-error.ts";

/**
 * A store in one SQLite file. Each commit is on the disk when it returns. Several processes may write; each one's
 * `watch` tells of its own commits.
 */
export class SqliteStore implements Store {
  readonly path: string;
  readonly #database: DatabaseSync;
  readonly #statements: Statements;
  readonly #serial = new Serial();
  readonly #watchers = new Watchers();

  private constructor(path: string, database: DatabaseSync) {
    this.path = path;
    this.#database = database;
    this.#statements = prepareStatements(database);
  }

  /** @throws IovisorError E_STORE when the file is damaged (it stays as it is), held, or not to be opened */
  static async open(path: string): Promise<SqliteStore> {
    return new SqliteStore(path, await openDatabase(path));
  }

  transact<T>(work: (transaction: Transaction) => Promise<T>, { durable = true }: TransactOptions = {}): Promise<T> {
    return this.#serial.run(async () => {
      try {
        return durable ? await this.#transact(work) : await this.#withoutWaiting(() => this.#transact(work));
      } catch (error) {
        throw translated(error, this.path);
      }
    });
  }

  /** In WAL mode NORMAL leaves the order of commits on the disk as it is, and their time to the next FULL one. */
  async #withoutWaiting<T>(work: () => Promise<T>): Promise<T> {
    this.#database.exec("PRAGMA synchronous = NORMAL");
    try {
      return await work();
    } finally {
      this.#database.exec("PRAGMA synchronous = FULL");
    }
  }

  async #transact<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    // IMMEDIATE: a transaction that reads first and then finds another writer could only fail.
    this.#database.exec("BEGIN IMMEDIATE");
    let transaction: SqliteTransaction | undefined;
    try {
      const { version } = this.#statements.version.get() as { readonly version: number };
      transaction = new SqliteTransaction(this.#statements, version + 1);
      const result = await work(transaction);
      const { writes } = transaction.log;
      if (writes.length > 0) this.#statements.setVersion.run(version + 1);
      this.#database.exec("COMMIT");
      this.#watchers.tell(writes);
      return result;
    } catch (error) {
      // SQLite rolls back by itself after some errors (a full disk, for one).
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    } finally {
      if (transaction) transaction.over = true;
    }
  }

  watch(collection: string, listener: (events: readonly StoreEvent[]) => void): Disposable {
    return this.#watchers.add(collection, listener);
  }

  /** Writes a copy of the store as it is now to a new file: a backup. */
  backup(path: string): Promise<void> {
    return this.#serial.run(async () => {
      try {
        this.#database.prepare("VACUUM INTO ?").run(path);
      } catch (error) {
        throw translated(error, path);
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#serial.idle();
    if (this.#database.isOpen) this.#database.close();
  }
}

type Statements = Readonly<
  Record<"version" | "setVersion" | "get" | "forward" | "backward" | "put" | "remove", StatementSync>
>;

function prepareStatements(database: DatabaseSync): Statements {
  const list = "SELECT key, value, version FROM entry WHERE collection = ? ORDER BY key";
  return {
    version: database.prepare("SELECT version FROM counter"),
    setVersion: database.prepare("UPDATE counter SET version = ?"),
    get: database.prepare("SELECT key, value, version FROM entry WHERE collection = ? AND key = ?"),
    forward: database.prepare(`${list} LIMIT ?`),
    backward: database.prepare(`${list} DESC LIMIT ?`),
    put: database.prepare("INSERT OR REPLACE INTO entry (collection, key, value, version) VALUES (?, ?, ?, ?)"),
    remove: database.prepare("DELETE FROM entry WHERE collection = ? AND key = ?"),
  };
}

class SqliteTransaction implements Transaction {
  readonly log = new WriteLog();
  readonly #known: Statements;
  readonly #version: number;
  over = false;

  constructor(statements: Statements, version: number) {
    this.#known = statements;
    this.#version = version;
  }

  async get(collection: string, key: string): Promise<Entry | undefined> {
    const row = this.#statements.get.get(collection, key);
    return row && entryOf(row);
  }

  async list(collection: string, { reverse = false, limit = -1 }: ListOptions = {}): Promise<readonly Entry[]> {
    const statement = reverse ? this.#statements.backward : this.#statements.forward;
    return statement.all(collection, limit).map(entryOf);
  }

  async put(collection: string, key: string, value: Uint8Array): Promise<void> {
    this.#statements.put.run(collection, key, value, this.#version);
    this.log.note({ collection, key, value: Uint8Array.from(value), version: this.#version });
  }

  async delete(collection: string, key: string): Promise<void> {
    const { changes } = this.#statements.remove.run(collection, key);
    if (Number(changes) > 0) this.log.note({ collection, key, value: undefined, version: this.#version });
  }

  get #statements(): Statements {
    if (this.over) throw new Error("the transaction is over");
    return this.#known;
  }
}

function entryOf(row: Readonly<Record<string, unknown>>): Entry {
  const { key, value, version } = row as unknown as Entry;
  return { key, value, version };
}
