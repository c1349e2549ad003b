import assert from "node:assert/strict";
import { test } from "node:test";
import * as b from "../compiler/hir/build.ts";
import type { Module } from "../compiler/hir/tree.ts";
import { numberType, verdictType } from "../compiler/hir/types.ts";
import { compileModulePrograms } from "./compiled.ts";
import { counterModule } from "./testing.ts";

const graphs = { dropReasons: [], puntReasons: [], metadata: [], ports: { kind: "dynamic", maximum: 2 } } as const;
const forwards: Module = {
  ...b.module([b.program(() => [b.giveBack(b.operation("verdict.forward", [b.number(1)], verdictType))])]),
  name: "forwards",
  interface: graphs,
};

test("a function that only a graph gives a meaning is refused with the reason when it is compiled alone", () => {
  for (const hooks of [["xdp"], ["tcx-ingress"]])
    assert.throws(() => compileModulePrograms(forwards, { hooks }), {
      code: "E_USAGE",
      message: /^forwards belongs into a graph: forward\(\), line \d+, has no meaning without one$/,
      remedy: /link its ports in a graph/,
    });
  const reads = b.module([
    b.program(() => [b.evaluate(b.operation("packet.port", [], numberType)), b.giveBack(b.pass())]),
  ]);
  assert.throws(() => compileModulePrograms({ ...reads, interface: graphs }), /packet\.port, line/);
});

test("a function that declares ports and uses nothing of a graph compiles alone", () => {
  const { programs } = compileModulePrograms({ ...counterModule(), interface: graphs });
  assert.equal(programs.length, 1);
});
