/** A disk without room: a small tmpfs in a mount namespace of a child's own, which is gone with the child. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const unshare = ["--mount", "--propagation", "private"];

function reasonToSkip(): string | false {
  const tried = spawnSync("unshare", [...unshare, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], { encoding: "utf8" });
  return tried.status === 0 ? false : `no tmpfs can be mounted: ${tried.stderr?.trim() || tried.error?.message}`;
}

const body = `
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
const { SqliteStore } = await import(process.argv[1]);
const file = "/mnt/store.db";
let last = 0;
{
  await using store = await SqliteStore.open(file);
  const write = (n) => store.transact(async (tx) => {
    await tx.put("a", "first", new Uint8Array([n]));
    await tx.put("a", "blob" + n, new Uint8Array(20000).fill(n));
    await tx.put("a", "second", new Uint8Array([n]));
  });
  const consistent = async () => store.transact(async (tx) => {
    const [first, second] = [await tx.get("a", "first"), await tx.get("a", "second")];
    assert.deepEqual([first.value[0], second.value[0]], [last, last]);
    for (let n = 1; n <= last; n++) assert.equal((await tx.get("a", "blob" + n)).value[19999], n);
    assert.equal(await tx.get("a", "blob" + (last + 1)), undefined);
  });
  writeFileSync("/mnt/ballast", new Uint8Array(300000));
  const refused = await (async () => {
    for (let n = 1; n < 200; n++) {
      try { await write(n); } catch (error) { return error; }
      last = n;
    }
  })();
  assert.equal(refused?.code, "E_STORE");
  assert.match(refused.message, /there is no room left on the disk/);
  assert.match(refused.remedy, /make room/);
  assert.ok(last > 3, "some were committed before");
  await consistent();
  await assert.rejects(write(last + 1), { code: "E_STORE" });
  await consistent();
  rmSync("/mnt/ballast");
  await write(last + 1);
  last++;
  await consistent();
}
await using again = await SqliteStore.open(file);
assert.equal((await again.transact((tx) => tx.get("a", "second"))).value[0], last);
console.log("committed", last);
`;

test("says that the disk is full, loses nothing, and goes on when there is room", { skip: reasonToSkip() }, (t) => {
  const module = fileURLToPath(new URL("./sqlite.ts", import.meta.url));
  const script = 'mount -t tmpfs -o size=1500k tmpfs /mnt && exec "$@"';
  const node = [process.execPath, "--input-type=module", "-e", body, module];
  const options = { encoding: "utf8", timeout: 30_000 } as const;
  const { status, stdout, stderr } = spawnSync("unshare", [...unshare, "sh", "-c", script, "sh", ...node], options);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^committed \d+\n$/);
  t.diagnostic(stdout.trim());
});
