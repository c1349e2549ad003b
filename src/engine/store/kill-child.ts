/**
 * Started by tests: `node kill-child.ts FILE` writes to a store without end, entries that belong together in each
 * transaction, and prints each number when its commit has returned.
 */
import { allocateIds, retainIds } from "./ids.ts";
import { putJson, setFunctionState } from "./records.ts";
import { SqliteStore } from "./sqlite.ts";

const [file = ""] = process.argv.slice(2);
await using store = await SqliteStore.open(file);
const start = Number((await store.transact((tx) => tx.list("pair", { reverse: true, limit: 1 })))[0]?.key ?? 0);
for (let number = start + 1; ; number++) {
  await store.transact(
    async (tx) => {
      await tx.delete("pair", String(number - 1).padStart(9, "0"));
      await putJson(tx, "pair", String(number).padStart(9, "0"), number);
      await new Promise(setImmediate); // so that it is killed within transactions too
      await setFunctionState(tx, "sw1", new Uint8Array(3000).fill(number % 251));
      await allocateIds(tx, "n", [`n${number}`, `n${number + 1}`]);
      await retainIds(tx, "n", new Set([`n${number}`, `n${number + 1}`]));
      await putJson(tx, "twin", "number", number);
      // What does not wait for the disk outlives the process all the same.
    },
    { durable: number % 3 === 0 },
  );
  process.stdout.write(`${number}\n`);
}
