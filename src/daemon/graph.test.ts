import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { skipWithoutNetwork } from "../../test/network/network.ts";
import { markerSource, TestDaemon, TestFolder } from "./testing.ts";

const options = { skip: skipWithoutNetwork, timeout: 120_000 };

test("a graph is planned, applied, read back, and not applied twice", options, async () => {
  using folder = new TestFolder();
  await using daemon = await TestDaemon.start(folder);
  assert.equal((await daemon.get("/v1/graph")).headers.etag, '"0"');
  const graph = { functions: { m: { kind: folder.marker, config: { mark: 5 } } } };
  const plan = await daemon.request("POST", "/v1/plan", { body: graph });
  assert.equal(plan.status, 200);
  assert.equal(plan.body.text, `+ function m: ${folder.marker}, config {"mark":5}\n`);
  assert.deepEqual((await daemon.get("/v1/graph")).body, { functions: {} }, "a plan touches nothing");

  const applied = await daemon.request("PUT", "/v1/graph?comment=first", { body: graph });
  assert.equal(applied.status, 200);
  assert.equal(applied.headers.etag, '"1"');
  assert.equal(applied.body.changed, true);
  assert.equal(applied.body.revision.comment, "first");
  assert.equal(applied.body.revision.author, `root (uid 0, pid ${process.pid})`);
  const live = await daemon.get("/v1/graph");
  assert.deepEqual(live.body, graph);
  assert.equal((await daemon.get("/v1/graph", { "if-none-match": '"1"' })).status, 304);

  const again = await daemon.request("PUT", "/v1/graph", { body: graph });
  assert.equal(again.body.changed, false);
  assert.equal(again.body.revision.number, 1);
  assert.equal((await daemon.get("/v1/revisions")).body.revisions.length, 1);
});

test("the same graph is applied anew when a function's source changed", options, async () => {
  using folder = new TestFolder();
  await using daemon = await TestDaemon.start(folder);
  const graph = {
    functions: { m: { kind: folder.marker } },
    links: ["dev:lo -> m.inside"],
  };
  assert.equal((await daemon.request("PUT", "/v1/graph", { body: graph })).body.changed, true);
  assert.equal((await daemon.request("PUT", "/v1/graph", { body: graph })).body.changed, false);
  writeFileSync(join(folder.marker, "kernel.ts"), markerSource.replace("+= 1n", "+= 2n"));
  const { body } = await daemon.request("PUT", "/v1/graph", { body: graph });
  assert.equal(body.changed, true);
  assert.deepEqual(body.loaded, ["tcx:m"]);
  assert.deepEqual(body.changes, []);
});

test("of two writers the second one is told, by header (412) and by body (409)", options, async () => {
  using folder = new TestFolder();
  await using daemon = await TestDaemon.start(folder);
  const graph = (mark: number) => ({ functions: { m: { kind: folder.marker, config: { mark } } } });
  const put = (mark: number, tag: string) =>
    daemon.request("PUT", "/v1/graph", { body: graph(mark), headers: { "if-match": tag } });
  const answers = await Promise.all([put(1, '"0"'), put(2, '"0"'), put(3, '"0"')]);
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 412, 412]);
  assert.equal((await put(4, '"0", "1"')).status, 200);
  assert.equal((await put(5, '"1"')).body.code, "E_CONFLICT");
  assert.equal((await put(5, 'W/"2"')).status, 412, "a weak tag matches nothing");
  assert.equal((await put(5, "*")).status, 200);
  const apply = (expected: number) => daemon.request("POST", "/v1/apply", { body: { graph: graph(6), expected } });
  assert.equal((await apply(1)).status, 409);
  assert.equal((await apply(3)).status, 200);
  const { body } = await daemon.get("/v1/revisions");
  assert.deepEqual([body.live, body.revisions.length], [4, 4], "what was refused left no revision");
});

test("all problems of a graph come at once, each with the place in the request", options, async () => {
  using folder = new TestFolder();
  await using daemon = await TestDaemon.start(folder);
  const graph = {
    functions: { m: { kind: folder.marker, config: { mark: 64 } }, n: { kind: "./here" } },
    links: ["dev:lo -> m.nowhere"],
  };
  const first = await daemon.request("PUT", "/v1/graph", { body: { functions: { n: { kind: "./here" } } } });
  assert.deepEqual([first.status, first.body.code, first.body.pointer], [422, "E_GRAPH", "/functions/n/kind"]);
  const { n: _, ...functions } = graph.functions;
  const { status, body } = await daemon.request("POST", "/v1/apply", { body: { graph: { ...graph, functions } } });
  assert.equal(status, 422);
  assert.deepEqual(body.faults.map(({ pointer }: { pointer: string }) => pointer).sort(), [
    "/graph/functions/m/config/mark",
    "/graph/links/0",
  ]);
  const kinds = {
    r: { kind: "router", ports: { lan: { addresses: ["10.0.0.1/24"] }, wan: { addresses: ["10.0.0.2/24"] } } },
  };
  const mixed = {
    functions: { ...graph.functions, m2: { kind: folder.marker, bogus: 1 }, ...kinds },
    links: graph.links,
  };
  const all = await daemon.request("POST", "/v1/plan", { body: mixed });
  assert.deepEqual(
    all.body.faults.map(({ pointer }: { pointer: string }) => pointer),
    [
      ...["/functions/m/config/mark", "/functions/n/kind", "/functions/m2/bogus", "/functions/r/ports/wan/addresses/0"],
      "/links/0",
    ],
  );
  const checks = await daemon.request("PUT", "/v1/graph", { body: { functions: { ...kinds, r2: kinds.r } } });
  assert.deepEqual(
    checks.body.faults.map(({ place }: { place: string }) => place),
    ["functions.r.ports.wan.addresses[0]", "functions.r2.ports.wan.addresses[0]"],
  );
  const unknown = await daemon.request("PUT", "/v1/graph", { body: { functions: { a: { kind: "nothing" } } } });
  assert.match(unknown.body.detail, /no function of kind 'nothing'/);
});

test("kernel code that is refused comes back with its diagnostics", options, async () => {
  using folder = new TestFolder();
  await using daemon = await TestDaemon.start(folder);
  const broken = join(folder.path, "broken");
  mkdirSync(broken);
  writeFileSync(
    join(broken, "kernel.ts"),
    markerSource.replace("let", "").replace("return drop", "while (true) {}\nreturn drop"),
  );
  const { status, body } = await daemon.request("PUT", "/v1/graph", { body: { functions: { b: { kind: broken } } } });
  assert.equal(status, 422);
  assert.equal(body.code, "E_DIAGNOSTICS");
  assert.ok(body.diagnostics.length > 0);
  assert.equal((await daemon.get("/v1/graph")).headers.etag, '"0"');
});

test("edits change the live graph, all or none", options, async () => {
  using folder = new TestFolder();
  await using daemon = await TestDaemon.start(folder);
  const edit = (...edits: readonly object[]) => daemon.request("POST", "/v1/graph/edits", { body: { edits } });
  const made = await edit(
    { kind: "createInstance", name: "m", function: folder.marker, ports: [{ name: "inside", link: "dev:lo" }] },
    { kind: "editInstance", name: "m", config: { mark: 7 } },
  );
  assert.equal(made.status, 200);
  assert.deepEqual((await daemon.get("/v1/graph")).body.links, ["dev:lo -> m.inside"]);
  const half = await edit({ kind: "unlink", from: "dev:lo" }, { kind: "editInstance", name: "x", config: {} });
  assert.deepEqual([half.status, half.body.code, half.body.pointer], [422, "E_GRAPH", "/edits/1"]);
  assert.deepEqual((await daemon.get("/v1/graph")).body.links, ["dev:lo -> m.inside"]);
  const wrong = await edit({ kind: "link", from: "m.outside" }, { kind: "jump" });
  assert.equal(wrong.status, 400);
  assert.deepEqual(
    wrong.body.faults.map(({ place }: { place: string }) => place),
    ["edits[0].to", "edits[1].kind"],
  );
  const gone = await edit({ kind: "deleteInstance", name: "m" });
  assert.equal(
    gone.body.text,
    `- link dev:lo -> m.inside\n- function m: ${folder.marker}, ports inside, config {"mark":7}\n`,
  );
});

test("a rollback makes an earlier graph live again, as a new revision", options, async () => {
  using folder = new TestFolder();
  await using daemon = await TestDaemon.start(folder);
  const graph = (mark: number) => ({ functions: { m: { kind: folder.marker, config: { mark } } } });
  for (const mark of [1, 2]) await daemon.request("PUT", "/v1/graph", { body: graph(mark) });
  assert.deepEqual((await daemon.get("/v1/revisions/1")).body, graph(1));
  const { body } = await daemon.request("POST", "/v1/revisions/1/rollback");
  assert.deepEqual([body.revision.number, body.revision.comment], [3, "rollback to revision 1"]);
  assert.deepEqual((await daemon.get("/v1/graph")).body, graph(1));
  for (const number of ["4", "0", "-1", "1e0", "x"]) {
    const { status } = await daemon.get(`/v1/revisions/${number}`);
    assert.equal(status, 404, number);
  }
});
