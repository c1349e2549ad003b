/** What the verifier has to do for built-in functions, alone and fused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { KernelMap } from "../../kernel/maps.ts";
import { skipWithoutBpf } from "../../kernel/testing.ts";
import { FunctionCatalogue } from "../catalogue/functions.ts";
import { loadComposed } from "../datapath/load-composed.ts";
import { usualSizes } from "../datapath/tables.ts";
import { parseGraph } from "../graph/parse.ts";
import { mapSpec } from "../map-spec.ts";
import { makeMapTypes } from "../map-types.ts";
import { noIdentities } from "../visor/identities.ts";
import type { PlannedPipeline } from "../visor/pipelines.ts";
import { Workshop } from "../visor/prepare.ts";
import { resolveGraph } from "../visor/resolve.ts";
import { stagesOf } from "./cut.ts";
import type { PipelineHook } from "./topology.ts";

const folder = (name: string): URL => new URL(`../../functions/${name}/`, import.meta.url);
const catalogue = new FunctionCatalogue(
  Object.fromEntries(["acl", "router", "switch"].map((name) => [name, folder(name)])),
);

/** More rules than become code, so that there are walks over them. */
const rules = Array.from({ length: 100 }, (_, index) => ({
  ...{ action: index % 3 === 0 ? "drop" : "accept", protocol: "udp" },
  ...{ source: `10.${index}.0.0/16`, destinationPorts: [index + 1] },
}));
const usual = {
  switch: { ports: { left: { vlan: 10 }, right: { vlan: 10 } } },
  acl: { config: { rules } },
  router: { ports: { left: { addresses: ["10.0.1.1/24"] }, right: { addresses: ["10.0.2.1/24"] } } },
};
type Kind = keyof typeof usual;
/** Growth over what the functions need alone: 0.98 to 1.62 was seen (Linux 6.18). */
const mostGrowth = 1.75;

function graphOf(kinds: readonly Kind[], hook: PipelineHook): object {
  const ends = (index: number): readonly [string, string] => {
    const names = kinds[index] === "acl" ? ["inside", "outside"] : ["left", "right"];
    return [`f${index}.${names[0]}`, `f${index}.${names[1]}`];
  };
  const between = kinds.slice(1).map((_, index) => `${ends(index)[1]} -> ${ends(index + 1)[0]}`);
  return {
    functions: Object.fromEntries(kinds.map((kind, index) => [`f${index}`, { kind, ...usual[kind] }])),
    devices: { in: { name: "p0", hook }, out: { name: "p1", hook } },
    links: [`dev:in -> ${ends(0)[0]}`, ...between, `${ends(kinds.length - 1)[1]} -> dev:out`],
  };
}

function processedBy(workshop: Workshop, planned: PlannedPipeline): number {
  const module = planned.compose();
  using maps = new DisposableStack();
  using types = makeMapTypes(module);
  const made = module.maps.map((declaration) => {
    const room = declaration.kind === "hash" ? { ...declaration, maxEntries: 16 } : declaration;
    const options = types.object ? { btf: types.object } : {};
    return [declaration.name, maps.use(KernelMap.create(mapSpec(module, room, types.ids), options))] as const;
  });
  using program = loadComposed(workshop.compile(planned), Object.fromEntries(made));
  return program.info().verifiedInstructions;
}

/** Of the pipeline that begins with the first function. */
async function measure(kinds: readonly Kind[], hook: PipelineHook) {
  const graph = await parseGraph(graphOf(kinds, hook) as never);
  const { found: functions } = await catalogue.loadAll(kinds, "/");
  const workshop = new Workshop();
  const { pipelines } = workshop.prepare(resolveGraph(graph, functions), noIdentities, usualSizes);
  const planned = pipelines.find(({ pipeline }) => pipeline.root.instance === "f0")!;
  assert.equal(stagesOf(planned.pipeline.root).length, kinds.length);
  return { expected: planned.work, processed: processedBy(workshop, planned) };
}

const chains: readonly (readonly Kind[])[] = [
  ["acl", "acl"],
  ["router", "acl"],
  ["switch", "acl", "router"],
  ["switch", "router", "acl", "switch"],
];

for (const hook of ["xdp", "tcx"] satisfies PipelineHook[]) {
  test(`fused functions are as much work for the verifier as alone, and no more than expected (${hook})`, {
    skip: skipWithoutBpf,
  }, async (t) => {
    const alone = new Map<Kind, number>();
    for (const kind of ["acl", "router", "switch"] satisfies Kind[]) {
      alone.set(kind, (await measure([kind], hook)).processed);
    }
    for (const chain of chains) {
      const { processed, expected } = await measure(chain, hook);
      const sum = chain.reduce((total, kind) => total + alone.get(kind)!, 0);
      const text = `${chain.join(" - ")}: ${processed} processed, ${sum} alone, ${expected} expected`;
      t.diagnostic(text);
      assert.ok(processed <= mostGrowth * sum, text);
      assert.ok(processed <= expected, text);
    }
  });
}
