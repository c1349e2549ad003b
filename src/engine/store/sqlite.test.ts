import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { IovisorError } from "../../errors.ts";
import { SqliteStore } from "./sqlite.ts";
import { migrations, openDatabase } from "./sqlite-file.ts";

function scratch(): Disposable & { readonly file: string; readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "iov-store-"));
  return { path, file: join(path, "store.db"), [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

async function filled(file: string, entries = 200): Promise<void> {
  await using store = await SqliteStore.open(file);
  await store.transact(async (tx) => {
    for (let index = 0; index < entries; index++) await tx.put("a", `k${index}`, new Uint8Array(100).fill(index));
  });
}

async function refusal(file: string): Promise<IovisorError> {
  const before = readFileSync(file);
  try {
    await using _ = await SqliteStore.open(file);
  } catch (error) {
    assert.ok(error instanceof IovisorError);
    assert.equal(error.code, "E_STORE");
    assert.ok(readFileSync(file).equals(before), "the refused file was changed");
    return error;
  }
  throw new Error("the file was opened");
}

test("is there again when it is opened again", async () => {
  using folder = scratch();
  await filled(folder.file);
  await using store = await SqliteStore.open(folder.file);
  assert.equal((await store.transact((tx) => tx.list("a"))).length, 200);
  assert.equal((await store.transact((tx) => tx.get("a", "k1")))?.version, 1);
});

test("makes a file that its owner alone can read, and leaves no other", async () => {
  using folder = scratch();
  await filled(folder.file);
  assert.equal(statSync(folder.file).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(folder.path), ["store.db"]);
});

test("commits are synchronised to the disk", async () => {
  using folder = scratch();
  const database = await openDatabase(folder.file);
  assert.deepEqual({ ...database.prepare("PRAGMA synchronous").get() }, { synchronous: 2 });
  assert.deepEqual({ ...database.prepare("PRAGMA journal_mode").get() }, { journal_mode: "wal" });
  database.close();
});

test("refuses a damaged file, says how to restore, and leaves it as it is", async () => {
  using folder = scratch();
  await filled(folder.file);
  const whole = readFileSync(folder.file);
  const damaged: readonly (readonly [string, Buffer])[] = [
    ["no database", Buffer.from("not a database at all\n".repeat(300))],
    ["a page overwritten", Buffer.concat([whole.subarray(0, 8192), Buffer.alloc(4096, 0xa5), whole.subarray(12288)])],
    ["cut off", whole.subarray(0, whole.length - 8192)],
    ["empty", Buffer.alloc(0)],
  ];
  for (const [name, contents] of damaged) {
    writeFileSync(folder.file, contents);
    const { message, remedy } = await refusal(folder.file);
    assert.match(message, /store\.db: it is (damaged|no store)/, name);
    assert.match(remedy, /put a backup in its place/, name);
  }
});

test("refuses a database of another program, and one of a newer version", async () => {
  using folder = scratch();
  const other = new DatabaseSync(folder.file);
  other.exec("CREATE TABLE theirs (x)");
  other.close();
  assert.match((await refusal(folder.file)).message, /it is no store of IO Visor$/);
  rmSync(folder.file);
  (await openDatabase(folder.file, [...migrations, "CREATE TABLE later (x)"])).close();
  assert.match((await refusal(folder.file)).message, /its version is 2, and this program knows up to 1$/);
});

test("refuses to make a file beside the log of a lost one", async () => {
  using folder = scratch();
  writeFileSync(`${folder.file}-wal`, "log");
  await assert.rejects(SqliteStore.open(folder.file), /it is missing, but its .*-wal is there/);
  assert.deepEqual(readdirSync(folder.path), ["store.db-wal"]);
});

test("migrates an older file and keeps its contents; a migration that fails changes nothing", async () => {
  using folder = scratch();
  await filled(folder.file, 3);
  const failing = openDatabase(folder.file, [...migrations, "CREATE TABLE half (x); CREATE TABLE entry (x)"]);
  await assert.rejects(failing, /the database failed \(table entry already exists\)/);
  const database = await openDatabase(folder.file, [...migrations, "ALTER TABLE counter ADD COLUMN note TEXT"]);
  assert.deepEqual({ ...database.prepare("PRAGMA user_version").get() }, { user_version: 2 });
  assert.deepEqual({ ...database.prepare("SELECT * FROM counter").get() }, { version: 1, note: null });
  assert.deepEqual({ ...database.prepare("SELECT count(*) AS n FROM entry").get() }, { n: 3 });
  assert.deepEqual(
    { ...database.prepare("SELECT count(*) AS n FROM sqlite_master WHERE name = 'half'").get() },
    { n: 0 },
  );
  database.close();
});

test("a backup is a store of its own, and takes no file's place", async () => {
  using folder = scratch();
  await filled(folder.file);
  const copy = join(folder.path, "copy.db");
  await using store = await SqliteStore.open(folder.file);
  await store.transact((tx) => tx.put("a", "last", bytes(1)));
  await store.backup(copy);
  await store.transact((tx) => tx.put("a", "later", bytes(1)));
  await assert.rejects(store.backup(copy), { code: "E_STORE" });
  await using restored = await SqliteStore.open(copy);
  assert.equal((await restored.transact((tx) => tx.list("a"))).length, 201);
});

test("says where a store cannot be", async () => {
  await assert.rejects(SqliteStore.open("/proc/iov-none/store.db"), { code: "E_STORE" });
  using folder = scratch();
  await assert.rejects(SqliteStore.open(folder.path), { code: "E_STORE" });
});

test("two connections see each other's commits, and wait for each other", async () => {
  using folder = scratch();
  await using one = await SqliteStore.open(folder.file);
  await using two = await SqliteStore.open(folder.file);
  await one.transact((tx) => tx.put("a", "k", bytes(1)));
  await two.transact(async (tx) => {
    assert.equal((await tx.get("a", "k"))?.version, 1);
    await tx.put("a", "k", bytes(2));
  });
  assert.equal((await one.transact((tx) => tx.get("a", "k")))?.version, 2);
});

test("opening a store prints no warning", () => {
  using folder = scratch();
  const module = fileURLToPath(new URL("./sqlite.ts", import.meta.url));
  const source = `const { SqliteStore } = await import(${JSON.stringify(module)});
await using store = await SqliteStore.open(${JSON.stringify(folder.file)});`;
  const options = { encoding: "utf8", timeout: 20_000 } as const;
  const { status, stderr } = spawnSync(
    process.execPath,
    [...process.execArgv, "--input-type=module", "-e", source],
    options,
  );
  assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
});
