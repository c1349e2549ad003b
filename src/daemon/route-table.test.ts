/** The routes of a router as a table of its instance. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { skipWithoutNetwork } from "../../test/network/network.ts";
import { open, TestDaemon, TestFolder } from "./testing.ts";

const options = { skip: skipWithoutNetwork, timeout: 200_000 };
const table = "/v1/instances/r1/tables/routes";
const ndjson = { accept: "application/x-ndjson" };

const ports = { lan: { addresses: ["10.0.0.1/24", "2001:db8:1::1/64"] }, wan: { addresses: ["192.0.2.2/31"] } };
const routes = [
  { prefix: "0.0.0.0/0", via: "192.0.2.3" },
  { prefix: "10.2.0.0/16", via: "10.0.0.2", metric: 10 },
  { prefix: "10.2.0.0/16", via: "10.0.0.3", metric: 10 },
  { prefix: "10.2.0.0/16", via: "10.0.0.4", metric: 20 },
  { prefix: "2001:db8:5::/48", via: "fe80::5", port: "lan" },
  { prefix: "10.66.0.0/16", blackhole: true },
  { prefix: "10.67.0.0/16", prohibit: true },
];

const lines = [
  "0.0.0.0/0 unicast via 192.0.2.3 wan 0 static",
  "10.0.0.0/24 unicast via  lan 0 connected",
  "10.0.0.0/32 broadcast via  lan 0 connected",
  "10.0.0.1/32 local via  lan 0 connected",
  "10.0.0.255/32 broadcast via  lan 0 connected",
  "10.2.0.0/16 unicast via 10.0.0.2 lan 10 static",
  "10.2.0.0/16 unicast via 10.0.0.3 lan 10 static",
  "10.66.0.0/16 blackhole via   0 static",
  "10.67.0.0/16 prohibit via   0 static",
  "192.0.2.2/31 unicast via  wan 0 connected",
  "192.0.2.2/32 local via  wan 0 connected",
  "2001:db8:1::/64 unicast via  lan 0 connected",
  "2001:db8:1::1/128 local via  lan 0 connected",
  "2001:db8:5::/48 unicast via fe80::5 lan 0 static",
];

interface Entry {
  readonly key: { readonly prefix: string; readonly via: string; readonly port: string };
  readonly value: { readonly type: string; readonly metric: number; readonly origin: string };
}

function textOf({ key, value }: Entry): string {
  return `${key.prefix} ${value.type} via ${key.via} ${key.port} ${value.metric} ${value.origin}`;
}

async function putRouter(daemon: TestDaemon, config: object, ownPorts: object = ports): Promise<void> {
  const body = { functions: { r1: { kind: "router", config, ports: ownPorts } } };
  const answer = await daemon.request("PUT", "/v1/graph", { body });
  assert.equal(answer.status, 200, answer.text);
}

test("routes are listed with next hops, types and metrics, and again after a restart", options, async () => {
  using folder = new TestFolder();
  const first = await TestDaemon.start(folder, { teardown: false });
  await putRouter(first, { routes });
  assert.deepEqual((await first.get(table)).body.entries.map(textOf), lines);
  const route = { prefix: "10.9.0.0/16", blackhole: true };
  await putRouter(first, { routes: [...routes, route] });
  const more = lines.toSpliced(9, 0, "10.9.0.0/16 blackhole via   0 static").toSorted();
  assert.deepEqual((await first.get(table)).body.entries.map(textOf).toSorted(), more);
  await first[Symbol.asyncDispose]();
  await using second = await TestDaemon.start(folder, { name: first.name });
  assert.deepEqual((await second.get(table)).body.entries.map(textOf).toSorted(), more);
});

test("the table is described where functions and instances are", options, async () => {
  using folder = new TestFolder();
  await using daemon = await TestDaemon.start(folder);
  await putRouter(daemon, { routes });
  const { body } = await daemon.get("/v1/functions/router");
  assert.equal(body.tables.routes.holds, "configuration");
  const keys = body.tables.routes.columns.filter(({ key }: { key: boolean }) => key);
  assert.deepEqual(
    keys.map(({ name }: { name: string }) => name),
    ["prefix", "via", "port"],
  );
  const { tables } = (await daemon.get("/v1/instances/r1")).body;
  assert.ok(tables.some(({ name }: { name: string }) => name === "routes"));
});

test("edits are refused with how routes are changed", options, async () => {
  using folder = new TestFolder();
  await using daemon = await TestDaemon.start(folder);
  await putRouter(daemon, { routes });
  const key = { prefix: "10.2.0.0/16", via: "10.0.0.2", port: "lan" };
  for (const [method, path, body] of [
    ["POST", "/entries", { entries: [{ key, value: {} }] }],
    ["DELETE", "/entries", { keys: [key] }],
    ["POST", "/flush", undefined],
  ] as const) {
    const answer = await daemon.request(method, table + path, { body });
    assert.deepEqual([answer.status, answer.body.code], [400, "E_USAGE"]);
    assert.match(answer.body.detail, /"routes" of "r1" follows from the configuration/);
    assert.match(answer.body.remedy, /setting `routes`.*`iovisor edit instance`/);
  }
  assert.deepEqual((await daemon.get(table)).body.entries.map(textOf), lines);
});

test("in host mode the answer says whose the routes are", options, async () => {
  using folder = new TestFolder();
  await using daemon = await TestDaemon.start(folder);
  await putRouter(daemon, { mode: "host" }, { lan: {}, wan: {} });
  for (const headers of [{}, ndjson]) {
    const answer = await daemon.request("GET", table, { headers });
    assert.deepEqual([answer.status, answer.body.code], [400, "E_USAGE"]);
    assert.match(answer.body.detail, /follows the kernel/);
    assert.match(answer.body.remedy, /`ip route`/);
  }
});

function manyRoutes(count: number): readonly object[] {
  return Array.from({ length: count }, (_, index) => {
    return { prefix: `${16 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}.0/24`, via: "10.0.0.2" };
  });
}

test("many routes come by pages and as a stream, beside other requests", options, async () => {
  using folder = new TestFolder();
  await using daemon = await TestDaemon.start(folder);
  const count = 50_000;
  await putRouter(daemon, { routes: manyRoutes(count) }, { lan: { addresses: ["10.0.0.1/24"] } });
  const connected = 4;
  const seen = new Set<string>();
  let pages = 0;
  for (let cursor: string | undefined = ""; cursor !== undefined; pages++) {
    const { body } = await daemon.get(`${table}?limit=10000${cursor && `&cursor=${cursor}`}`);
    for (const entry of body.entries) seen.add(entry.key.prefix);
    cursor = body.cursor;
  }
  assert.deepEqual([pages, seen.size], [6, count + connected]);
  assert.equal((await daemon.get(`${table}?cursor=AAAA`)).status, 400);

  const response = await open(daemon.socket, "GET", table, { headers: ndjson });
  let [rows, answered, rowsWhenAnswered] = [0, false, 0];
  for await (const chunk of response) {
    rows += (chunk as Buffer).toString("latin1").split("\n").length - 1;
    if (answered) continue;
    answered = true;
    assert.equal((await daemon.get("/v1/health")).status, 200);
    rowsWhenAnswered = rows;
  }
  assert.equal(rows, count + connected);
  assert.ok(rowsWhenAnswered < count / 2, `${rowsWhenAnswered} rows before another request was answered`);
});

test("a stream under way survives changes, and has what was there all the time", options, async () => {
  using folder = new TestFolder();
  await using daemon = await TestDaemon.start(folder);
  const all = manyRoutes(20_000);
  const lan = { lan: { addresses: ["10.0.0.1/24"] } };
  await putRouter(daemon, { routes: all }, lan);
  const response = await open(daemon.socket, "GET", table, { headers: ndjson });
  let text = "";
  let changes = 0;
  for await (const chunk of response) {
    text += (chunk as Buffer).toString();
    if (changes < 4) await putRouter(daemon, { routes: all.toSpliced(19_000 + 100 * changes++, 50) }, lan);
  }
  const prefixes = text
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as Entry).key.prefix);
  assert.equal(new Set(prefixes).size, prefixes.length);
  const kept = all.filter((_, index) => index < 19_000 || index >= 19_350) as readonly { readonly prefix: string }[];
  const there = new Set(prefixes);
  assert.deepEqual(
    kept.filter(({ prefix }) => !there.has(prefix)),
    [],
  );
  assert.equal(changes, 4);
});
