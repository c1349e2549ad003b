/** The suite's own leak checks see what they are for. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { leakedSince, ownObjects } from "../scripts/test/leaks.ts";
import { type Outcome, runTestFile } from "../scripts/test/test-file.ts";
import { ensureBpffs } from "../src/kernel/bpffs.ts";
import { skipWithoutBpf } from "../src/kernel/testing.ts";

const root = join(import.meta.dirname, "..");

function tryCgroup(): string | false {
  const probe = `/sys/fs/cgroup/iov${process.pid}_probe`;
  try {
    mkdirSync(probe);
    rmdirSync(probe);
    return false;
  } catch (error) {
    return `no control group can be made here: ${(error as Error).message}`;
  }
}

test("a control group that a dead process left is a leak; one of a living process is not", {
  skip: tryCgroup(),
}, async () => {
  const dead = spawnSync("true").pid;
  const left = `/sys/fs/cgroup/iov${dead}_left`;
  const used = `/sys/fs/cgroup/iov${process.pid}_used`;
  const before = ownObjects();
  mkdirSync(left);
  mkdirSync(used);
  try {
    assert.deepEqual(await leakedSince(before), [left]);
  } finally {
    rmdirSync(left);
    rmdirSync(used);
  }
  assert.deepEqual(await leakedSince(before), []);
});

test("pins of a data path that a dead process left are a leak; those of a living process are not", {
  skip: skipWithoutBpf,
}, async () => {
  const dead = spawnSync("true").pid;
  const folder = "/sys/fs/bpf/iovisor";
  const left = [`${folder}/iovtest${dead}v0`, `${folder}/iov${dead}d0`, `${folder}/named${dead}`];
  const used = `${folder}/iovtest${process.pid}used`;
  ensureBpffs();
  mkdirSync(folder, { recursive: true });
  const before = ownObjects();
  for (const path of [...left, used]) mkdirSync(path);
  try {
    assert.deepEqual((await leakedSince(before)).toSorted(), left.toSorted());
  } finally {
    for (const path of [...left, used]) rmdirSync(path);
  }
  assert.deepEqual(await leakedSince(before), []);
});

/** Runs a file that opens a descriptor and then does `end` with it. */
async function withDescriptor(end: string): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "iovisor-leaks-"));
  try {
    const path = join(folder, "made.test.ts");
    writeFileSync(
      path,
      `import { openSync } from "node:fs"; import { test } from "node:test";
      import { Descriptor } from "${join(root, "src/kernel/sys/descriptor.ts")}";
      test("x", () => { const d = new Descriptor(openSync("/dev/null"), "the null device"); ${end} });`,
    );
    return await runTestFile(path, { root, limitSeconds: 20, preload: [join(root, "test/setup.ts")] });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("a descriptor that is still open at the end fails the file and says where it was made", async () => {
  const outcome = await withDescriptor("");
  assert.match(outcome.failures[0]?.text ?? "", /1 descriptors leaked:[\s\S]*the null device[\s\S]*made\.test\.ts/);
});

test("a closed descriptor fails nothing", async () => {
  assert.deepEqual((await withDescriptor("d.close();")).failures, []);
});
