import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { SourceWatcher } from "./watch.ts";

/** Longer than a watcher needs to notice anything. */
const settled = 150;

async function watching(body: (file: string, folder: string, changes: () => number) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "iov-watch-"));
  try {
    const file = join(folder, "source.ts");
    writeFileSync(file, "one");
    let count = 0;
    using _watcher = new SourceWatcher([file], () => count++);
    await body(file, folder, () => count);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("tells of a save once, in place or by renaming", async () => {
  await watching(async (file, folder, changes) => {
    writeFileSync(file, "two");
    await sleep(settled);
    assert.equal(changes(), 1);
    const other = join(folder, ".source.ts.swp");
    writeFileSync(other, "three");
    renameSync(other, file);
    await sleep(settled);
    assert.equal(changes(), 2);
  });
});

test("is silent about other files, saves without a change, and empty files in between", async () => {
  await watching(async (file, folder, changes) => {
    writeFileSync(join(folder, "other.ts"), "new");
    writeFileSync(file, "one");
    await sleep(settled);
    writeFileSync(file, "");
    await sleep(settled);
    assert.equal(changes(), 0);
    writeFileSync(file, "two");
    await sleep(settled);
    assert.equal(changes(), 1);
  });
});
