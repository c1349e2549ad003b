/** What every store keeps to, and the records over it: the same tests for each implementation. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { graphHash } from "../graph/canonical.ts";
import { parseGraph } from "../graph/parse.ts";
import { allocateGraphIds, allocateIds, retainGraphIds, retainIds } from "./ids.ts";
import { MemoryStore } from "./memory.ts";
import * as records from "./records.ts";
import {
  addRevision,
  currentRevision,
  findRevision,
  listRevisions,
  revisionGraph,
  settleRevision,
} from "./revisions.ts";
import { SqliteStore } from "./sqlite.ts";
import type { Store, StoreEvent } from "./store.ts";

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

const kinds: Readonly<Record<string, (path: string) => Promise<Store>>> = {
  "the store in memory": async () => new MemoryStore(),
  "the store in SQLite": (path) => SqliteStore.open(path),
};

for (const [kind, open] of Object.entries(kinds)) {
  const withStore = (name: string, body: (store: Store) => Promise<void>): void => {
    test(name, async () => {
      const folder = mkdtempSync(join(tmpdir(), "iov-store-"));
      try {
        await using store = await open(join(folder, "store.db"));
        await body(store);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  };
  describe(kind, () => {
    transactions(withStore);
    boundaries(withStore);
    revisions(withStore);
    otherRecords(withStore);
  });
}

type WithStore = (name: string, body: (store: Store) => Promise<void>) => void;

function transactions(withStore: WithStore): void {
  withStore("gives back what was put, with the version that wrote it", async (store) => {
    await store.transact((tx) => tx.put("a", "k", bytes(1, 0, 255)));
    await store.transact((tx) => tx.put("b", "k", bytes()));
    await store.transact(async (tx) => {
      assert.deepEqual(await tx.get("a", "k"), { key: "k", value: bytes(1, 0, 255), version: 1 });
      assert.deepEqual(await tx.get("b", "k"), { key: "k", value: bytes(), version: 2 });
      assert.equal(await tx.get("c", "k"), undefined);
    });
  });

  withStore("lists a collection in the order of its keys", async (store) => {
    const keys = ["b", "a", "\u{1f600}", "\uffee", "", "B"];
    await store.transact(async (tx) => {
      for (const key of keys) await tx.put("a", key, bytes(1));
      await tx.put("ab", "z", bytes(2));
    });
    const order = ["", "B", "a", "b", "\uffee", "\u{1f600}"];
    await store.transact(async (tx) => {
      const found = async (options = {}) => (await tx.list("a", options)).map(({ key }) => key);
      assert.deepEqual(await found(), order);
      assert.deepEqual(await found({ reverse: true, limit: 2 }), order.toReversed().slice(0, 2));
      assert.deepEqual(await found({ limit: 0 }), []);
    });
  });

  withStore("keeps nothing of a transaction that throws", async (store) => {
    await store.transact((tx) => tx.put("a", "k", bytes(1)));
    const failing = store.transact(async (tx) => {
      await tx.put("a", "k", bytes(2));
      await tx.put("a", "l", bytes(2));
      assert.deepEqual((await tx.get("a", "k"))?.value, bytes(2));
      throw new RangeError("changed my mind");
    });
    await assert.rejects(failing, RangeError);
    const entries = await store.transact((tx) => tx.list("a"));
    assert.deepEqual(entries, [{ key: "k", value: bytes(1), version: 1 }]);
  });

  withStore("runs transactions one after another", async (store) => {
    const increment = () =>
      store.transact(async (tx) => {
        const value = (await tx.get("a", "k"))?.value[0] ?? 0;
        await new Promise(setImmediate);
        await tx.put("a", "k", bytes(value + 1));
      });
    await Promise.all(Array.from({ length: 20 }, increment));
    assert.equal((await store.transact((tx) => tx.get("a", "k")))?.value[0], 20);
  });
}

function boundaries(withStore: WithStore): void {
  withStore("refuses a transaction within another, and use after its end", async (store) => {
    await assert.rejects(
      store.transact(() => store.transact(async () => 1)),
      /a transaction within a transaction/,
    );
    const leaked = await store.transact(async (tx) => tx);
    await assert.rejects(async () => await leaked.get("a", "k"), /the transaction is over/);
    await assert.rejects(async () => await leaked.put("a", "k", bytes(1)), /the transaction is over/);
  });

  withStore("tells watchers of what was committed, and of nothing else", async (store) => {
    const seen: StoreEvent[][] = [];
    const watching = store.watch("a", (events) => seen.push([...events]));
    await store.transact(async (tx) => {
      await tx.put("a", "k", bytes(1));
      await tx.put("a", "k", bytes(2));
      await tx.put("b", "k", bytes(9));
    });
    await assert.rejects(
      store.transact(async (tx) => {
        await tx.put("a", "never", bytes(1));
        throw new RangeError();
      }),
    );
    await store.transact(async (tx) => {
      await tx.delete("a", "k");
      await tx.delete("a", "unknown");
    });
    watching[Symbol.dispose]();
    await store.transact((tx) => tx.put("a", "late", bytes(1)));
    assert.deepEqual(seen, [[{ key: "k", value: bytes(2), version: 1 }], [{ key: "k", value: undefined, version: 2 }]]);
  });

  withStore("is not changed by a change to what was put or got", async (store) => {
    const value = bytes(1);
    await store.transact((tx) => tx.put("a", "k", value));
    value[0] = 2;
    const got = await store.transact((tx) => tx.get("a", "k"));
    got!.value[0] = 3;
    assert.deepEqual((await store.transact((tx) => tx.get("a", "k")))?.value, bytes(1));
  });
}

const graphOf = (...names: string[]) =>
  parseGraph({
    functions: Object.fromEntries(names.map((name) => [name, { kind: "switch", ports: { up: {}, down: {} } }])),
    links: names.map((name) => `dev:${name} -> ${name}.up`),
  });

function revisions(withStore: WithStore): void {
  const made = { author: "ann", comment: "first", time: new Date("2030-01-02T03:04:05.678Z") };

  withStore("numbers revisions, and keeps their graphs and how they ended", async (store) => {
    const [a, b] = [await graphOf("a"), await graphOf("a", "b")];
    await store.transact(async (tx) => {
      const first = await addRevision(tx, a, made);
      const time = "2030-01-02T03:04:05.678Z";
      const expected = { number: 1, time, hash: graphHash(a), author: "ann", comment: "first", state: "prepared" };
      assert.deepEqual(first, expected);
      assert.equal(await currentRevision(tx), undefined);
      await settleRevision(tx, 1, { state: "committed" });
      await addRevision(tx, b, made);
      await settleRevision(tx, 2, { state: "failed", reason: "no device" });
      await addRevision(tx, a, made);
    });
    await store.transact(async (tx) => {
      assert.deepEqual(
        (await listRevisions(tx)).map(({ number, state, reason }) => [number, state, reason]),
        [
          [3, "prepared", undefined],
          [2, "failed", "no device"],
          [1, "committed", undefined],
        ],
      );
      assert.equal((await listRevisions(tx, 1)).length, 1);
      assert.equal((await currentRevision(tx))?.number, 1);
      assert.equal(graphHash(await revisionGraph(tx, (await findRevision(tx, 2))!)), graphHash(b));
      assert.equal((await tx.list("graph")).length, 2);
      await assert.rejects(settleRevision(tx, 2, { state: "committed" }), /revision 2 is failed, not prepared/);
      await assert.rejects(settleRevision(tx, 9, { state: "committed" }), /revision 9 is not there, not prepared/);
    });
  });
}

function otherRecords(withStore: WithStore): void {
  withStore("keeps one intent, the last one", async (store) => {
    await store.transact((tx) => records.setIntent(tx, { revision: 1, generation: 7 }));
    await store.transact((tx) => records.setIntent(tx, { revision: 2, generation: 8 }));
    assert.deepEqual(await store.transact(records.intent), { revision: 2, generation: 8 });
    await store.transact(records.clearIntent);
    assert.equal(await store.transact(records.intent), undefined);
  });

  withStore("keeps the state of functions", async (store) => {
    await store.transact((tx) => records.setFunctionState(tx, "sw1", bytes(1, 2)));
    assert.deepEqual(await store.transact((tx) => records.functionState(tx, "sw1")), bytes(1, 2));
    await store.transact((tx) => records.clearFunctionState(tx, "sw1"));
    assert.equal(await store.transact((tx) => records.functionState(tx, "sw1")), undefined);
  });

  withStore("a name keeps its number until it is let go", async (store) => {
    await store.transact(async (tx) => {
      assert.deepEqual(await allocateIds(tx, "x", ["a", "b", "c"]), { a: 0, b: 1, c: 2 });
      assert.deepEqual(await allocateIds(tx, "x", ["d", "c"]), { c: 2, d: 3 });
      assert.deepEqual(await allocateIds(tx, "y", ["c"]), { c: 0 });
      await retainIds(tx, "x", new Set(["b", "d"]));
      assert.deepEqual(await allocateIds(tx, "x", ["e", "f", "g", "b"]), { e: 0, f: 2, g: 4, b: 1 });
    });
  });

  withStore("a graph's parts keep their numbers while any graph names them", async (store) => {
    const [one, two] = [await graphOf("a", "b"), await graphOf("b", "c")];
    await store.transact(async (tx) => {
      const first = await allocateGraphIds(tx, one);
      assert.deepEqual(first.instances, { a: 0, b: 1 });
      assert.deepEqual(first.ports["a"], { up: 0, down: 1 });
      assert.deepEqual((await allocateGraphIds(tx, two)).instances, { b: 1, c: 2 });
      await retainGraphIds(tx, [one, two]);
      assert.deepEqual((await allocateGraphIds(tx, one)).devices, first.devices);
      await retainGraphIds(tx, [two]);
      const later = await allocateGraphIds(tx, await graphOf("b", "c", "d"));
      assert.deepEqual(later.instances, { b: 1, c: 2, d: 0 });
      await retainGraphIds(tx, []);
      assert.deepEqual(await tx.list("id-scope"), []);
      assert.deepEqual(await tx.list("id:port:b"), []);
    });
  });
}
