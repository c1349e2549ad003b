import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { HirCache } from "./hir-cache.ts";
import { counterModule } from "./testing.ts";

function scratch(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "iov-cache-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A cache with one entry, made of two source files. */
function filled(folder: string) {
  const [entry, imported] = [join(folder, "entry.ts"), join(folder, "imported.ts")];
  writeFileSync(entry, "entry");
  writeFileSync(imported, "imported");
  const path = join(folder, "cache");
  const cache = new HirCache(path, "this compiler");
  const module = counterModule();
  cache.write(entry, { module, dependencies: [entry, imported] });
  const [file = ""] = readdirSync(path);
  return { cache, entry, imported, module, path, file: join(path, file) };
}

test("gives back the module of an unchanged source", () => {
  using folder = scratch();
  const { cache, entry, imported, module } = filled(folder.path);
  assert.deepEqual(cache.read(entry), { module, dependencies: [entry, imported] });
});

test("has nothing when a source changed, is gone, or another compiler asks", () => {
  using folder = scratch();
  const { cache, entry, imported, path } = filled(folder.path);
  assert.equal(new HirCache(path, "another compiler").read(entry), undefined);
  writeFileSync(imported, "changed");
  assert.equal(cache.read(entry), undefined);
  writeFileSync(imported, "imported");
  assert.ok(cache.read(entry));
  rmSync(imported);
  assert.equal(cache.read(entry), undefined);
  assert.equal(cache.read(join(folder.path, "never seen.ts")), undefined);
});

test("ignores entries that are damaged or that others could have written", () => {
  using folder = scratch();
  const { cache, entry, file } = filled(folder.path);
  const text = readFileSync(file, "utf8");
  writeFileSync(file, text.slice(0, text.length / 2));
  assert.equal(cache.read(entry), undefined);
  writeFileSync(file, text.replace("usage", "usagf"));
  assert.equal(cache.read(entry), undefined);
  writeFileSync(file, text);
  assert.ok(cache.read(entry));
  chmodSync(file, 0o666);
  assert.equal(cache.read(entry), undefined);
});

test("keeps entries to this user, and leaves no temporary files", () => {
  using folder = scratch();
  const { cache, entry, module, path, file } = filled(folder.path);
  cache.write(entry, { module, dependencies: [entry] });
  assert.equal(readdirSync(path).length, 1);
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test("works without a place to write to", () => {
  const cache = new HirCache("/dev/null/cache", "this compiler");
  cache.write("/proc/self/status", { module: counterModule(), dependencies: ["/proc/self/status"] });
  assert.equal(cache.read("/proc/self/status"), undefined);
});
