import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { decodeJson, functionState, getJson } from "./records.ts";
import { SqliteStore } from "./sqlite.ts";

const child = fileURLToPath(new URL("./kill-child.ts", import.meta.url));
const kills = 40;

/** Runs the child until some time after its first commit, or after its start; gives the last number it printed. */
async function runAndKill(file: string, milliseconds: number, afterCommit: boolean): Promise<number> {
  const running = spawn(process.execPath, [child, file], { stdio: ["ignore", "pipe", "inherit"] });
  const exit = once(running, "exit");
  let output = "";
  running.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  if (afterCommit) await Promise.race([once(running.stdout, "data"), exit]);
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  running.kill("SIGKILL");
  const [, signal] = await exit;
  assert.equal(signal, "SIGKILL");
  // A number without its line end was written in part.
  return Number(output.split("\n").at(-2) ?? 0);
}

/** All that one transaction wrote is of the same number. */
async function numberIn(store: SqliteStore): Promise<number> {
  return await store.transact(async (tx) => {
    const number = (await getJson<number>(tx, "twin", "number")) ?? 0;
    const pairs = (await tx.list("pair")).map(({ value }) => decodeJson<number>(value));
    assert.deepEqual(pairs, number === 0 ? [] : [number]);
    const state = await functionState(tx, "sw1");
    if (number > 0) assert.ok(state?.length === 3000 && state.every((byte) => byte === number % 251));
    const names = (await tx.list("id:n")).map(({ key }) => key);
    assert.deepEqual(names.sort(), number === 0 ? [] : [`n${number}`, `n${number + 1}`].sort());
    return number;
  });
}

test(`a store is whole after each of ${kills} kills, with all that was committed`, { timeout: 100_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "iov-kill-"));
  const file = join(folder, "store.db");
  try {
    let known = 0;
    let early = 0;
    for (let round = 0; round < kills; round++) {
      // Every fourth is killed while it starts, makes the file (the first ones) or recovers what the last one left.
      const starting = round < 4 || round % 4 === 0;
      const printed = await runAndKill(file, Math.random() * (starting ? 150 : 25), !starting);
      if (printed === 0) early++;
      await using store = await SqliteStore.open(file);
      const number = await numberIn(store);
      assert.ok(number >= Math.max(known, printed), `${number} after ${known} and ${printed}`);
      known = number;
    }
    t.diagnostic(`${known} transactions; ${early} kills before a child's first commit`);
    assert.ok(known > kills);
    assert.deepEqual(readdirSync(folder), ["store.db"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
