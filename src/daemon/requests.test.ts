import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { skipWithoutNetwork } from "../../test/network/network.ts";
import { TestDaemon, TestFolder } from "./testing.ts";

const options = { skip: skipWithoutNetwork, timeout: 120_000 };

test("what no resource takes is refused with a problem that says why", options, async () => {
  using folder = new TestFolder();
  await using daemon = await TestDaemon.start(folder);
  const refused = async (
    method: string,
    path: string,
    body: unknown,
    expected: readonly [number, string],
    type?: string,
  ) => {
    const headers = type === undefined ? {} : { "content-type": type };
    const answer = await daemon.request(method, path, { body, headers });
    assert.deepEqual([answer.status, answer.body.code], expected, `${method} ${path} ${answer.text}`);
    assert.ok(answer.body.remedy.length > 0);
  };
  await refused("GET", "/", undefined, [404, "E_NOT_FOUND"]);
  await refused("GET", "/v2/graph", undefined, [404, "E_NOT_FOUND"]);
  await refused("DELETE", "/v1/graph", undefined, [404, "E_NOT_FOUND"]);
  await refused("GET", "/v1/instances/none", undefined, [404, "E_NOT_FOUND"]);
  await refused("GET", "/v1/instances/none/tables/x", undefined, [404, "E_NOT_FOUND"]);
  await refused("GET", "/v1/functions//etc", undefined, [404, "E_NOT_FOUND"]);
  await refused("GET", "/v1/pipelines/tcx:none/bytecode", undefined, [404, "E_NOT_FOUND"]);
  await refused("GET", "/v1/instances/%E0%A4%A", undefined, [400, "E_USAGE"]);
  await refused("GET", "/v1/revisions?limit=0", undefined, [400, "E_USAGE"]);
  await refused("GET", "/v1/revisions?limit=many&x=1", undefined, [400, "E_USAGE"]);
  await refused("PUT", "/v1/graph", "{", [400, "E_FORMAT"]);
  await refused("PUT", "/v1/graph", '{"__proto__": {"x": 1}}', [400, "E_FORMAT"]);
  await refused("PUT", "/v1/graph", "", [400, "E_FORMAT"]);
  await refused("PUT", "/v1/graph", "functions: {}", [415, "E_FORMAT"], "application/yaml");
  await refused("PUT", "/v1/graph", "[]", [422, "E_GRAPH"]);
  await refused("PUT", "/v1/graph", '{"functions": 7, "more": 1}', [422, "E_GRAPH"]);
  await refused("POST", "/v1/apply", "{}", [400, "E_USAGE"]);
  await refused("POST", "/v1/graph/edits", '{"edits": []}', [400, "E_USAGE"]);
  await refused("POST", "/v1/graph/edits", "null", [400, "E_USAGE"]);
  await refused("PUT", "/v1/graph", JSON.stringify("x".repeat(65 << 20)), [413, "E_TOO_LARGE"]);
  const { body } = await daemon.get("/v1/revisions");
  assert.deepEqual(body, { live: 0, revisions: [] });
});

test("what is no HTTP is answered too, and the daemon goes on", options, async () => {
  using folder = new TestFolder();
  await using daemon = await TestDaemon.start(folder);
  const socket = connect(daemon.socket);
  socket.end("\x16\x03\x01 nonsense\r\n\r\n");
  let text = "";
  for await (const chunk of socket) text += chunk;
  assert.match(text, /^HTTP\/1\.1 400 [\s\S]*application\/problem\+json/);
  assert.equal((await daemon.get("/v1/health")).status, 200);
});

test("the description is OpenAPI 3.1 and has every resource, with what can go wrong", options, async () => {
  using folder = new TestFolder();
  await using daemon = await TestDaemon.start(folder);
  const { body } = await daemon.get("/v1/openapi.json");
  assert.equal(body.openapi, "3.1.0");
  const operations = Object.entries<Record<string, Record<string, unknown>>>(body.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
  );
  assert.ok(operations.length >= 22, String(operations.length));
  for (const { name, operation } of operations) {
    assert.equal(typeof operation["summary"], "string", name);
    assert.deepEqual(Object.keys(operation["responses"] as object).sort(), ["200", "4XX", "5XX"], name);
  }
});
