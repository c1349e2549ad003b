/** A daemon whose stored graph names a function that is broken or gone. */
import assert from "node:assert/strict";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { skipWithoutNetwork } from "../../test/network/network.ts";
import { dataPathName, TestDaemon, TestFolder } from "./testing.ts";

const options = { skip: skipWithoutNetwork, timeout: 60_000 };

const graphOf = (kind: string, mark: number) => ({ functions: { m1: { kind, config: { mark } } } });

/** A folder and the name of a data path that a daemon has left a graph of its marker in; then the marker is gone. */
async function left(): Promise<{ readonly folder: TestFolder; readonly name: string; mend(): void }> {
  const folder = new TestFolder();
  const name = dataPathName();
  await using daemon = await TestDaemon.start(folder, { name, teardown: false });
  assert.equal((await daemon.request("PUT", "/v1/graph", { body: graphOf(folder.marker, 7) })).status, 200);
  renameSync(folder.marker, `${folder.marker}-away`);
  return { folder, name, mend: () => renameSync(`${folder.marker}-away`, folder.marker) };
}

test("it starts degraded, says why, and serves what can be read", options, async () => {
  const { folder, name } = await left();
  using _folder = folder;
  await using daemon = await TestDaemon.start(folder, { name });
  const health = await daemon.get("/v1/health");
  assert.equal(health.status, 200);
  const { status, graph, revision } = health.body;
  assert.deepEqual([status, graph.code, revision], ["degraded", "E_GRAPH", 1]);
  assert.match(graph.message, /functions\.m1\.kind: there is no function of kind '.*marker': .* is not there/);
  assert.ok(graph.remedy.length > 0);
  assert.deepEqual(Object.keys((await daemon.get("/v1/graph")).body.functions), ["m1"]);
  assert.equal((await daemon.get("/v1/revisions")).body.live, 1);
  assert.deepEqual((await daemon.get("/v1/instances")).body.instances, [
    { name: "m1", kind: folder.marker, ports: 2, packets: 0, drops: 0, state: "degraded" },
  ]);
  const instance = await daemon.get("/v1/instances/m1");
  assert.deepEqual(
    instance.body.ports.map((port: { name: string }) => port.name),
    ["inside", "outside"],
  );
  assert.equal((await daemon.get("/v1/instances/m1/counters")).status, 200);
  assert.equal((await daemon.get("/v1/pipelines")).status, 200);
  assert.equal((await daemon.get("/v1/functions")).status, 200);
  assert.match((await daemon.get("/metrics")).text, /^iovisor_degraded 1$/m);
  for (const path of ["instances/m1/tables", "instances/m1/tables/known", "capture?ports=m1.inside", "trace"]) {
    const refused = await daemon.get(`/v1/${path}`);
    assert.deepEqual([refused.status, refused.body.code], [409, "E_DEGRADED"], path);
    assert.match(refused.body.detail, /E_GRAPH/);
  }
  const events = (await daemon.get("/v1/events?follow=false")).text;
  assert.match(events, /event: failure\ndata: .*"what":"graph","code":"E_GRAPH"/);
});

test("edits and rollbacks of a graph that does not work are refused, one that works ends it", options, async () => {
  const { folder, name } = await left();
  using _folder = folder;
  await using daemon = await TestDaemon.start(folder, { name });
  for (const [path, body] of [
    ["/v1/graph/edits", { edits: [{ kind: "editInstance", name: "m1", config: { mark: 1 } }] }],
    ["/v1/revisions/1/rollback", {}],
  ] as const) {
    const refused = await daemon.request("POST", path, { body });
    assert.equal(refused.status >= 400, true, refused.text);
    assert.match(refused.text, /is not there/, path);
  }
  const other = graphOf(`${folder.marker}-away`, 9);
  const plan = await daemon.request("POST", "/v1/plan", { body: other });
  assert.match(plan.body.text, /an apply of this one ends that/);
  const applied = await daemon.request("PUT", "/v1/graph", { body: other });
  assert.deepEqual([applied.status, applied.body.changed], [200, true]);
  assert.equal((await daemon.get("/v1/health")).body.status, "ok");
  assert.match((await daemon.get("/v1/events?follow=false")).text, /event: recovery\ndata: .*"what":"graph"/);
  assert.equal((await daemon.get("/v1/instances")).body.instances[0].state, "ok");
});

test("what is mended is taken over without being told", options, async () => {
  const { folder, name, mend } = await left();
  using _folder = folder;
  await using daemon = await TestDaemon.start(folder, { name });
  assert.equal((await daemon.get("/v1/health")).body.status, "degraded");
  mend();
  const end = performance.now() + 20_000;
  while ((await daemon.get("/v1/health")).body.status !== "ok" && performance.now() < end) await sleep(100);
  assert.equal((await daemon.get("/v1/health")).body.status, "ok");
  assert.equal((await daemon.get("/v1/revisions")).body.live, 1);
});

test("an apply of the same graph, mended, is no idle one", options, async () => {
  const { folder, name, mend } = await left();
  using _folder = folder;
  await using daemon = await TestDaemon.start(folder, { name });
  mend();
  const answer = await daemon.request("PUT", "/v1/graph", { body: graphOf(folder.marker, 7) });
  assert.equal(answer.status, 200);
  assert.equal((await daemon.get("/v1/health")).body.status, "ok");
});

test("a type error that was saved meanwhile has its place in health", options, async () => {
  const { folder, name, mend } = await left();
  using _folder = folder;
  mend();
  const kernel = join(folder.marker, "kernel.ts");
  writeFileSync(kernel, `${readFileSync(kernel, "utf8")}const wrong: number = "text";\n`);
  await using daemon = await TestDaemon.start(folder, { name });
  const { graph } = (await daemon.get("/v1/health")).body;
  assert.equal(graph.code, "E_DIAGNOSTICS");
  assert.match(graph.message, /kernel\.ts\(\d+,\d+\): error TS2322/);
});

test(
  "a host side that does not start is in health, state and events; a change to one is refused",
  options,
  async () => {
    using folder = new TestFolder();
    const name = dataPathName();
    const hostFile = join(folder.marker, "host.ts");
    const host = readFileSync(hostFile, "utf8");
    const broken = host.replace('report({ kind: "started" });', 'throw new Error("no start");');
    const graph = graphOf(folder.marker, 7);
    {
      await using daemon = await TestDaemon.start(folder, { name, teardown: false });
      writeFileSync(hostFile, broken);
      const refused = await daemon.request("PUT", "/v1/graph", { body: graph });
      assert.deepEqual([refused.status, refused.body.code], [422, "E_HOST_SIDE"]);
      assert.match(refused.body.detail, /host\.ts:\d+:\d+: the host side of "m1" \(.*marker\) did not start: no start/);
      assert.deepEqual((await daemon.get("/v1/graph")).body.functions, {});
      writeFileSync(hostFile, host);
      assert.equal((await daemon.request("PUT", "/v1/graph", { body: graph })).status, 200);
    }
    writeFileSync(hostFile, broken);
    await using daemon = await TestDaemon.start(folder, { name });
    const { status, hostSides, graph: why } = (await daemon.get("/v1/health")).body;
    assert.deepEqual([status, why, hostSides.length], ["degraded", undefined, 1]);
    assert.match(hostSides[0].message, /no start/);
    const { state, hostSide } = (await daemon.get("/v1/instances/m1")).body;
    assert.deepEqual([state, hostSide.state, hostSide.failures], ["degraded", "failed", 1]);
    assert.equal((await daemon.get("/v1/instances")).body.instances[0].state, "degraded");
    assert.equal((await daemon.get("/v1/instances/m1/tables/known")).status, 200);
    const metrics = (await daemon.get("/metrics")).text;
    assert.match(metrics, /^iovisor_degraded 1$/m);
    assert.match(metrics, /^iovisor_host_side_failures_total\{instance="m1"\} 1$/m);
    const events = (await daemon.get("/v1/events?follow=false")).text;
    assert.match(events, /event: failure\ndata: .*"instance":"m1".*"what":"host side"/);
    writeFileSync(hostFile, host);
    assert.equal((await daemon.request("PUT", "/v1/graph", { body: graph })).body.changed, true);
    assert.equal((await daemon.get("/v1/health")).body.status, "ok");
  },
);
