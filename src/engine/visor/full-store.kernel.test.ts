/** A store whose disk is full: a small tmpfs in a mount namespace of a child's own, which is gone with the child. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { skipWithoutNetwork } from "../../../test/network/network.ts";

const unshare = ["--mount", "--propagation", "private"];

function reasonToSkip(): string | false {
  if (skipWithoutNetwork) return skipWithoutNetwork;
  const tried = spawnSync("unshare", [...unshare, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], { encoding: "utf8" });
  return tried.status === 0 ? false : `no tmpfs can be mounted: ${tried.stderr?.trim() || tried.error?.message}`;
}

/** The disk is filled right before a transaction of an apply: that of the intent, or that of the record. */
const body = `
import assert from "node:assert/strict";
import { appendFileSync, rmSync } from "node:fs";
const { VisorBench } = await import(process.argv[1]);
const { SqliteStore } = await import(process.argv[2]);
const fill = () => {
  for (const size of [65536, 4096, 512]) {
    assert.throws(() => { for (;;) appendFileSync("/mnt/ballast", new Uint8Array(size)); }, { code: "ENOSPC" });
  }
};
using bench = new VisorBench();
const file = "/mnt/state.db";
await using store = await SqliteStore.open(file);
const transact = store.transact.bind(store);
let fillBefore = -1;
store.transact = async (...args) => {
  if (fillBefore-- === 0) fill();
  return await transact(...args);
};
await bench.with(async (visor) => {
  await visor.apply(await bench.graph(1));
  for (let number = 2; number < 6; number++) {
    fillBefore = number % 2;
    await assert.rejects(visor.apply(await bench.graph(number)), (error) => {
      assert.equal(error.code, "E_STORE");
      assert.match(error.message, /no room left on the disk/);
      return true;
    });
    assert.equal(await bench.probe(), 1);
    assert.equal(visor.revision.number, 1);
    assert.deepEqual((await visor.plan(await bench.graph(1))).changes, []);
    rmSync("/mnt/ballast");
  }
}, { store });
await bench.with(async (visor) => {
  assert.equal(await bench.probe(), 1);
  assert.equal(visor.revision.number, 1);
  const [first, ...later] = (await visor.revisions()).toReversed();
  assert.equal(first.state, "committed");
  assert.ok(later.every(({ state }) => state === "failed"));
  await visor.apply(await bench.graph(7));
  assert.equal(await bench.probe(), 7);
  await visor.teardown();
}, { store });
console.log("done");
`;

test("an apply that a full disk does not take changes nothing, before its commit and after it", {
  skip: reasonToSkip(),
  timeout: 60_000,
}, () => {
  const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
  const node = [
    ...[process.execPath, "--import", path("../../../scripts/resolve-hook.ts"), "--input-type=module", "-e", body],
    ...[path("../../../test/network/visor-bench.ts"), path("../store/sqlite.ts")],
  ];
  const script = 'mount -t tmpfs -o size=1500k tmpfs /mnt && exec "$@"';
  const { status, stdout, stderr } = spawnSync("unshare", [...unshare, "sh", "-c", script, "sh", ...node], {
    encoding: "utf8",
    timeout: 50_000,
  });
  assert.equal(status, 0, stderr);
  assert.equal(stdout.trim(), "done");
});
