import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { skipWithoutNetwork } from "../../test/network/network.ts";
import { KernelMap } from "../kernel/maps.ts";
import { open, TestDaemon, TestFolder } from "./testing.ts";

const options = { skip: skipWithoutNetwork, timeout: 200_000 };

async function withMarker(folder: TestFolder): Promise<TestDaemon> {
  const daemon = await TestDaemon.start(folder);
  const body = { functions: { m: { kind: folder.marker, config: { chosen: [4, 9] } } } };
  assert.equal((await daemon.request("PUT", "/v1/graph", { body })).status, 200);
  return daemon;
}

const known = "/v1/instances/m/tables/known";

function entry(number: number): {
  readonly key: { readonly number: number; readonly kind: number };
  readonly value: number;
} {
  return { key: { number, kind: 7 }, value: number };
}

test("entries are written, read in pages, deleted and flushed", options, async () => {
  using folder = new TestFolder();
  await using daemon = await withMarker(folder);
  const entries = Array.from({ length: 2500 }, (_, number) => entry(number));
  assert.equal((await daemon.request("POST", `${known}/entries`, { body: { entries } })).body.written, 2500);
  const seen = new Map<number, unknown>();
  let pages = 0;
  for (let cursor: string | undefined = ""; cursor !== undefined; pages++) {
    const { body } = await daemon.get(`${known}?limit=600${cursor && `&cursor=${cursor}`}`);
    for (const { key, value } of body.entries) seen.set(key.number, value);
    cursor = body.cursor;
  }
  assert.equal(pages, 5);
  assert.deepEqual([seen.size, seen.get(2499)], [2500, 2499]);

  const keys = [entry(1).key, entry(2).key, entry(9999).key];
  assert.equal((await daemon.request("DELETE", `${known}/entries`, { body: { keys } })).body.deleted, 2);
  assert.equal((await daemon.request("POST", `${known}/flush`)).status, 200);
  assert.deepEqual((await daemon.get(known)).body, { entries: [] });
});

test("a cursor whose entry is gone is a conflict, not a second beginning", options, async () => {
  using folder = new TestFolder();
  await using daemon = await withMarker(folder);
  await daemon.request("POST", `${known}/entries`, { body: { entries: [1, 2, 3].map(entry) } });
  const { body } = await daemon.get(`${known}?limit=1`);
  await daemon.request("DELETE", `${known}/entries`, { body: { keys: [body.entries[0].key] } });
  const next = await daemon.get(`${known}?limit=1&cursor=${body.cursor}`);
  assert.deepEqual([next.status, next.body.code], [409, "E_CONFLICT"]);
  assert.equal((await daemon.get(`${known}?cursor=AAAA`)).status, 400);
});

test("integers beyond 53 bits are texts of digits both ways", options, async () => {
  using folder = new TestFolder();
  await using daemon = await withMarker(folder);
  const values = ["18446744073709551615", "9007199254740993", 9007199254740991];
  const entries = values.map((value, number) => ({ ...entry(number), value }));
  await daemon.request("POST", `${known}/entries`, { body: { entries } });
  const { body } = await daemon.get(known);
  const byKey = new Map(body.entries.map((one: ReturnType<typeof entry>) => [one.key.number, one.value]));
  assert.deepEqual(
    values.map((_, number) => byKey.get(number)),
    values,
  );
});

test("values that do not fit are refused with their place, and nothing is written", options, async () => {
  using folder = new TestFolder();
  await using daemon = await withMarker(folder);
  const refused = async (wrong: unknown, place: RegExp): Promise<void> => {
    const body = { entries: [entry(1), wrong] };
    const answer = await daemon.request("POST", `${known}/entries`, { body });
    assert.equal(answer.status, 400);
    assert.match(answer.body.detail, place);
  };
  await refused({ key: { number: 1, kind: -1 }, value: 1 }, /entries\[1\]\.key\.kind: expected an integer/);
  await refused({ key: { number: 1 }, value: 1 }, /entries\[1\]\.key\.kind: expected a value/);
  await refused({ key: { number: 1, kind: 1, more: 1 }, value: 1 }, /entries\[1\]\.key\.more/);
  await refused({ key: { number: 1, kind: 1 }, value: "18446744073709551616" }, /entries\[1\]\.value/);
  await refused({ key: null, value: 1 }, /entries\[1\]\.key: expected an object/);
  assert.deepEqual((await daemon.get(known)).body.entries, []);
});

test("a table that follows from the configuration is shown and not changed", options, async () => {
  using folder = new TestFolder();
  await using daemon = await withMarker(folder);
  const path = "/v1/instances/m/tables/chosen";
  const { body } = await daemon.get(path);
  assert.deepEqual(
    new Map(body.entries.map((one: { key: number; value: number }) => [one.key, one.value])),
    new Map([
      [4, 0],
      [9, 1],
    ]),
  );
  const written = await daemon.request("POST", `${path}/entries`, { body: { entries: [{ key: 1, value: 1 }] } });
  assert.deepEqual([written.status, written.body.code], [400, "E_USAGE"]);
  assert.equal((await daemon.request("POST", `${path}/flush`)).status, 400);
  assert.equal((await daemon.get(path)).body.entries.length, 2);
});

test("a table is shown, filled and emptied as the function's host side says", options, async () => {
  using folder = new TestFolder();
  await using daemon = await TestDaemon.start(folder);
  const config = { static: [{ mac: "02:00:00:00:00:09", vlan: 10, blackhole: true }] };
  const body = { functions: { s: { kind: "switch", config, ports: { lan1: { vlan: 10 }, lan2: {} } } } };
  assert.equal((await daemon.request("PUT", "/v1/graph", { body })).status, 200);
  const tables = "/v1/instances/s/tables";
  const listed = (await daemon.get(tables)).body.tables;
  const fdb = listed.find((one: { name: string }) => one.name === "fdb");
  assert.deepEqual(
    fdb.columns.filter((one: { computed: boolean }) => !one.computed).map(({ name }: { name: string }) => name),
    ["mac", "vlan", "port"],
  );
  const add = async (entry: unknown) => {
    return await daemon.request("POST", `${tables}/fdb/entries`, { body: { entries: [entry] } });
  };
  const key = { mac: "02:00:00:00:00:01", vlan: 10 };
  assert.equal((await add({ key, value: { port: "lan1" } })).status, 200);
  const [shown] = (await daemon.get(`${tables}/fdb`)).body.entries;
  assert.deepEqual([shown.key, shown.value.port, shown.value.moves], [key, "lan1", 0]);
  for (const [wrong, message] of [
    [{ key, value: { port: "lan9" } }, /port: expected a port of s \(lan1, lan2\), got "lan9"/],
    [{ key: { ...key, mac: "x" }, value: { port: "lan1" } }, /mac: expected a MAC address/],
    [{ key, value: { port: "lan1", age: 5 } }, /entries\[0\]\.value\.age: no such column that can be given/],
    [{ key: 5, value: {} }, /entries\[0\]\.key: expected an object of mac, vlan, port/],
  ] as const) {
    const { status, body: answer } = await add(wrong);
    assert.deepEqual([status, answer.code], [400, "E_USAGE"]);
    assert.match(answer.detail, message);
  }
  const { body: gone } = await daemon.request("DELETE", `${tables}/fdb/entries`, { body: { keys: [key, key] } });
  assert.equal(gone.deleted, 1);
  assert.deepEqual((await daemon.get(`${tables}/fdb`)).body.entries, []);
  const statics = (await daemon.get(`${tables}/statics`)).body.entries;
  assert.deepEqual(statics, [{ key: { mac: "02:00:00:00:00:09", vlan: 10 }, value: { port: "blackhole" } }]);
  assert.equal((await daemon.request("POST", `${tables}/statics/flush`)).status, 400);
});

test("per-CPU tables have a value for each processor", options, async () => {
  using folder = new TestFolder();
  await using daemon = await withMarker(folder);
  const path = "/v1/instances/m/tables/perCpu";
  await daemon.request("POST", `${path}/entries`, { body: { entries: [{ key: 1, value: 5 }] } });
  const { body } = await daemon.get(path);
  assert.ok(body.entries[1].value.length >= 1);
  assert.ok(body.entries[1].value.every((one: number) => one === 5));
});

/** Writes entries past the daemon, in batches. */
function fill(dataPath: string, rows: number): void {
  const folder = `/sys/fs/bpf/iovisor/${dataPath}/maps/m`;
  using map = KernelMap.fromPin(join(folder, readdirSync(folder).find((name) => name.startsWith("known"))!));
  const [keys, values] = [new Uint8Array(rows * 8), new Uint8Array(rows * 8)];
  for (let row = 0; row < rows; row++) {
    new DataView(keys.buffer, row * 8).setUint32(0, row, true);
    new DataView(values.buffer, row * 8).setUint32(0, row, true);
  }
  map.batchUpdate({ count: rows, keys, values });
}

/** Bytes that something refers to: what is only waiting to be collected says nothing about a stream. */
function heldMemory(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test("a million entries are streamed without being held", options, async (t) => {
  using folder = new TestFolder();
  await using daemon = await withMarker(folder);
  const rows = 1_000_000;
  fill(daemon.name, rows);
  const response = await open(daemon.socket, "GET", known, { headers: { accept: "application/x-ndjson" } });
  const before = heldMemory();
  let lines = 0;
  let sum = 0;
  let most = 0;
  let rest = "";
  response.setEncoding("utf8");
  for await (const chunk of response) {
    const whole = (rest + chunk).split("\n");
    rest = whole.pop() ?? "";
    for (const line of whole) {
      lines++;
      sum += JSON.parse(line).value;
      if (lines % 100_000 === 0) most = Math.max(most, heldMemory());
    }
  }
  t.diagnostic(`held memory grew by ${((most - before) / 2 ** 20).toFixed(0)} MiB`);
  assert.equal(lines, rows);
  assert.equal(sum, (rows * (rows - 1)) / 2);
  // As text the table has some 45 MB, as objects several times that.
  assert.ok(most - before < 100 * 2 ** 20, `held memory grew by ${most - before} bytes`);
});

test("a reader that leaves in the middle of a stream leaves nothing open", options, async () => {
  using folder = new TestFolder();
  await using daemon = await withMarker(folder);
  const entries = Array.from({ length: 50_000 }, (_, number) => entry(number));
  await daemon.request("POST", `${known}/entries`, { body: { entries } });
  for (let round = 0; round < 20; round++) {
    const response = await open(daemon.socket, "GET", known, { headers: { accept: "application/x-ndjson" } });
    for await (const _ of response) break;
    response.destroy();
  }
  assert.equal((await daemon.get(known)).body.entries.length, 1000);
});
