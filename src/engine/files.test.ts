import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { makeFolder, requireFile } from "./files.ts";

function inFolder(body: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "iov-files-"));
  try {
    body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("says why a file cannot be read", () => {
  inFolder((folder) => {
    const refuses = (name: string, message: RegExp) =>
      assert.throws(() => requireFile(join(folder, name), "give another"), { code: "E_USAGE", message });
    refuses("missing.ts", /missing\.ts does not exist$/);
    refuses(".", /is not a file$/);
    symlinkSync("loop", join(folder, "loop"));
    refuses("loop", /loop cannot be read: ELOOP/);
    writeFileSync(join(folder, "there.ts"), "");
    refuses("there.ts/below.ts", /does not exist$/);
    requireFile(join(folder, "there.ts"), "");
  });
});

test("makes folders, and comes back where none can be made", { timeout: 10_000 }, () => {
  inFolder((folder) => {
    const path = join(folder, "a/b/c");
    makeFolder(path, 0o700);
    makeFolder(path);
    assert.equal(statSync(path).mode & 0o777, 0o700);
    mkdirSync(join(folder, "d"));
    writeFileSync(join(folder, "d/file"), "");
    assert.throws(() => makeFolder(join(folder, "d/file/e")), { code: "EEXIST" });
    assert.throws(() => makeFolder(join(folder, "d/file")), { code: "EEXIST" });
  });
  assert.throws(() => makeFolder("/proc/no-such/iovisor/hir"), { code: "ENOENT" });
});
