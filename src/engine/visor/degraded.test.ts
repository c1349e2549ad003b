/** Openings where a function of the stored graph is broken or gone. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { skipWithoutNetwork } from "../../../test/network/network.ts";
import { VisorBench } from "../../../test/network/visor-bench.ts";
import { builtInFunctions } from "../../functions/table.ts";
import { FunctionCatalogue } from "../catalogue/functions.ts";
import { parseGraph } from "../graph/parse.ts";
import { emptyGraph } from "../graph/types.ts";
import type { Visor } from "./visor.ts";

const options = { skip: skipWithoutNetwork, timeout: 60_000 };
const degrade = { broken: "degrade" } as const;

function countIn(visor: Visor): bigint {
  const value = visor.running.map("c1", "seen")!.map.lookup(new Uint8Array(4))!;
  return new DataView(value.buffer).getBigUint64(0, true);
}

/** A graph at work whose function is broken meanwhile, and the way to mend it. */
async function broken(how: "gone" | "type error"): Promise<{ readonly bench: VisorBench; mend(): void }> {
  const bench = new VisorBench();
  await bench.with(async (visor) => void (await visor.apply(await bench.graph(3))));
  assert.equal(await bench.probe(), 3);
  const folder = join(bench.folder, "counter");
  if (how === "gone") {
    renameSync(folder, `${folder}-away`);
    return { bench, mend: () => renameSync(`${folder}-away`, folder) };
  }
  const kernel = join(folder, "kernel.ts");
  const text = readFileSync(kernel, "utf8");
  writeFileSync(kernel, text.replace("count.value += 1n", 'count.value += "1"'));
  return { bench, mend: () => writeFileSync(kernel, text) };
}

for (const how of ["gone", "type error"] as const) {
  const code = how === "gone" ? "E_GRAPH" : "E_DIAGNOSTICS";

  test(`${how}: an opening throws, unless it may be degraded; packets flow on`, options, async () => {
    const { bench, mend } = await broken(how);
    using _bench = bench;
    await assert.rejects(
      bench.with(async () => undefined),
      { code },
    );
    await bench.with(async (visor) => {
      assert.equal(visor.degraded?.code, code);
      assert.match(visor.degraded.message, how === "gone" ? /counter is not there/ : /kernel\.ts\(\d+,\d+\)/);
      assert.equal(visor.revision?.number, 1);
      assert.deepEqual(Object.keys(visor.graph.functions), ["c1"]);
      assert.equal(visor.prepared, undefined);
      assert.equal(await bench.probe(), 3);
      assert.equal(await visor.refresh(), undefined);
      assert.equal(await bench.probe(), 3);
    }, degrade);
    assert.equal(await bench.probe(), 3);
    mend();
    await bench.with(async (visor) => {
      assert.equal(visor.degraded, undefined);
      assert.equal(countIn(visor), 4n);
      await visor.teardown();
    }, degrade);
  });

  test(`${how}: once it is mended the graph is taken over with its state`, options, async () => {
    const { bench, mend } = await broken(how);
    using _bench = bench;
    await bench.with(async (visor) => {
      await assert.rejects(visor.resume(), { code });
      mend();
      const report = await visor.resume();
      assert.deepEqual(report?.loaded, []);
      assert.equal(visor.degraded, undefined);
      assert.equal(countIn(visor), 1n);
      assert.equal(await bench.probe(), 3);
      assert.equal(await visor.resume(), undefined);
      assert.equal((await visor.revisions()).length, 1);
      await visor.apply(await bench.graph(4));
      assert.equal(await bench.probe(), 4);
      await visor.teardown();
    }, degrade);
  });

  test(`${how}: a graph that works takes its place, and nothing of it stays`, options, async () => {
    const { bench } = await broken(how);
    using _bench = bench;
    const kernel = join(bench.folder, how === "gone" ? "counter-away" : "counter", "kernel.ts");
    const text = readFileSync(kernel, "utf8").replace('count.value += "1"', "count.value += 1n");
    await bench.with(async (visor) => {
      const graph = await otherGraph(bench, text);
      const { changes, warnings } = await visor.plan(graph);
      assert.ok(changes.length > 0);
      assert.match(warnings.join(), /an apply of this one ends that/);
      const { revision } = await visor.apply(graph);
      assert.equal(revision.number, 2);
      assert.equal(visor.degraded, undefined);
      assert.equal(await bench.probe(), 9);
      await visor.refresh();
      visor.running.settle();
      assert.deepEqual(readdirSync(`/sys/fs/bpf/iovisor/${bench.name}/maps`), ["c2"]);
      await visor.teardown();
    }, degrade);
  });

  test(`${how}: it can be taken off the machine`, options, async () => {
    const { bench } = await broken(how);
    using _bench = bench;
    await bench.with((visor) => visor.teardown(), degrade);
    assert.equal(await bench.probe(), undefined);
  });
}

async function otherGraph(bench: VisorBench, kernel: string) {
  const folder = join(bench.folder, "other");
  mkdirSync(folder);
  writeFileSync(join(folder, "kernel.ts"), kernel);
  const { netns } = bench;
  return await parseGraph({
    functions: { c2: { kind: "./other", config: { number: 9 } } },
    devices: { lan1: { name: "lan1", netns }, lan2: { name: "lan2", netns } },
    links: ["dev:lan1 -> c2.inside", "c2.outside -> dev:lan2"],
  });
}

test("an apply that fails leaves it degraded, with its packets and its state", options, async () => {
  const { bench, mend } = await broken("gone");
  using _bench = bench;
  const kernel = readFileSync(join(bench.folder, "counter-away", "kernel.ts"), "utf8");
  await bench.with(async (visor) => {
    await assert.rejects(visor.apply(await bench.graph(4)), { code: "E_GRAPH" });
    const graph = await otherGraph(bench, kernel);
    const host = 'export default { start() { throw new Error("no"); } };';
    writeFileSync(join(bench.folder, "other", "host.ts"), host);
    await assert.rejects(visor.apply(graph), { code: "E_HOST_SIDE" });
    assert.equal(visor.degraded?.code, "E_GRAPH");
    assert.equal(await bench.probe(), 3);
    mend();
    await visor.resume();
    assert.equal(countIn(visor), 2n);
    assert.equal(await bench.probe(), 3);
    await visor.teardown();
  }, degrade);
});

test("edits and rollbacks go through where the graph works that they make", options, async () => {
  const { bench } = await broken("gone");
  using _bench = bench;
  await bench.with(async (visor) => {
    await assert.rejects(
      visor.edit((graph) => graph),
      { code: "E_GRAPH", message: /'\.\/counter'.*is not there/ },
    );
    await assert.rejects(visor.rollback(1), { code: "E_GRAPH" });
    await assert.rejects(visor.observe({}), { code: "E_DEGRADED", message: /E_GRAPH/ });
    assert.equal(await bench.probe(), 3);
    await visor.edit(() => emptyGraph);
    assert.equal(visor.degraded, undefined);
    assert.equal(await bench.probe(), undefined);
    await visor.teardown();
  }, degrade);
});

test("after a reboot nothing is applied until it is mended", options, async () => {
  const { bench, mend } = await broken("type error");
  using _bench = bench;
  mend();
  await bench.with(async (visor) => {
    // What a reboot leaves of it: nothing in the kernel, the store as it was.
    visor.running.detachAll();
    visor.running.dataPath.pins.removeAll();
  });
  const kernel = join(bench.folder, "counter", "kernel.ts");
  const text = readFileSync(kernel, "utf8");
  writeFileSync(kernel, `${text}\nconst wrong: number = "text";\n`);
  await bench.with(async (visor) => {
    assert.equal(visor.degraded?.code, "E_DIAGNOSTICS");
    assert.equal(visor.running.dataPath.generation.value, 0);
    assert.equal(await bench.probe(), undefined);
    writeFileSync(kernel, text);
    await visor.resume();
    assert.equal(await bench.probe(), 3);
    await visor.teardown();
  }, degrade);
});

test(
  "copies go on through the hidden pair while it is degraded, after a failed apply, and once mended",
  options,
  async () => {
    using bench = new VisorBench();
    const { netns } = bench;
    const functions = new FunctionCatalogue(builtInFunctions);
    const graphOf = async (second: object) =>
      await parseGraph({
        functions: { sw: { kind: "switch", ports: { a: {}, b: {} } }, c1: second },
        devices: { lan1: { name: "lan1", netns }, lan2: { name: "lan2", netns } },
        links: ["dev:lan1 -> sw.a", "sw.b -> c1.inside", "c1.outside -> dev:lan2"],
      });
    const working = await graphOf({ kind: "./counter", config: { number: 6 } });
    await bench.with(async (visor) => void (await visor.apply(working)), { functions });
    assert.equal(await bench.probe(), 6);
    const folder = join(bench.folder, "counter");
    renameSync(folder, `${folder}-away`);
    await bench.with(
      async (visor) => {
        assert.equal(visor.degraded?.code, "E_GRAPH");
        assert.equal(await bench.probe(), 6);
        writeFileSync(join(`${folder}-away`, "host.ts"), 'export default { start() { throw new Error("no"); } };');
        const other = await graphOf({ kind: "./counter-away", config: { number: 7 } });
        await assert.rejects(visor.apply(other), { code: "E_HOST_SIDE" });
        assert.equal(await bench.probe(), 6);
        rmSync(join(`${folder}-away`, "host.ts"));
        renameSync(`${folder}-away`, folder);
        await visor.resume();
        assert.equal(visor.degraded, undefined);
        assert.equal(await bench.probe(), 6);
        await visor.apply(await graphOf({ kind: "./counter", config: { number: 8 } }));
        assert.equal(await bench.probe(), 8);
        await visor.teardown();
      },
      { ...degrade, functions },
    );
  },
);

test("other rules are in force after an apply that ends it by them alone", options, async () => {
  using bench = new VisorBench();
  const { netns } = bench;
  const functions = new FunctionCatalogue(builtInFunctions);
  const others = Array.from({ length: 100 }, (_, index) => ({ action: "drop", source: `10.0.${index}.0/24` }));
  const graphOf = async (action: string) =>
    await parseGraph({
      functions: {
        fw: { kind: "acl", config: { rules: [...others, { action, source: "192.0.2.0/24" }] } },
        c1: { kind: "./counter", config: { number: 6 } },
      },
      devices: { lan1: { name: "lan1", netns }, lan2: { name: "lan2", netns } },
      links: ["dev:lan1 -> fw.inside", "fw.outside -> c1.inside", "c1.outside -> dev:lan2"],
    });
  await bench.with(async (visor) => void (await visor.apply(await graphOf("accept"))), { functions });
  assert.equal(await bench.probe(), 6);
  const folder = join(bench.folder, "counter");
  renameSync(folder, `${folder}-away`);
  await bench.with(
    async (visor) => {
      assert.equal(visor.degraded?.code, "E_GRAPH");
      assert.equal(await bench.probe(), 6);
      renameSync(`${folder}-away`, folder);
      const { loaded } = await visor.apply(await graphOf("drop"));
      assert.deepEqual(loaded, []);
      assert.equal(await bench.probe(), undefined);
      assert.equal(countIn(visor), 2n);
      await visor.apply(await graphOf("accept"));
      assert.equal(await bench.probe(), 6);
    },
    { ...degrade, functions },
  );
  await bench.with(
    async (visor) => {
      assert.equal(visor.degraded, undefined);
      assert.equal(await bench.probe(), 6);
      await visor.teardown();
    },
    { functions },
  );
});
