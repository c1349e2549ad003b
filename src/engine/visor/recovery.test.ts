/** What an opening makes of a kernel and a store that do not belong together (any more). */
import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { skipWithoutNetwork } from "../../../test/network/network.ts";
import { VisorBench } from "../../../test/network/visor-bench.ts";
import { IovisorError } from "../../errors.ts";
import { unpin } from "../../kernel/bpffs.ts";
import { KernelProgram } from "../../kernel/programs.ts";
import { Recirculation } from "../datapath/recirculation.ts";
import { SqliteStore } from "../store/sqlite.ts";
import type { Visor } from "./visor.ts";

const options = { skip: skipWithoutNetwork, timeout: 60_000 };

function countIn(visor: Visor): bigint {
  const value = visor.running.map("c1", "seen")!.map.lookup(new Uint8Array(4))!;
  return new DataView(value.buffer).getBigUint64(0, true);
}

/** A graph at work, that nobody looks after. */
async function atWork(number: number): Promise<VisorBench> {
  const bench = new VisorBench();
  await bench.with(async (visor) => {
    await visor.apply(await bench.graph(1));
    await visor.apply(await bench.graph(number));
  });
  assert.equal(await bench.probe(), number);
  return bench;
}

const folderOf = ({ name }: VisorBench): string => `/sys/fs/bpf/iovisor/${name}`;

test("a graph whose store is lost stays at work until the next apply, which takes its place", options, async () => {
  using bench = await atWork(3);
  rmSync(join(bench.folder, "state.db"));
  await bench.with(async (visor) => {
    assert.equal(visor.revision, undefined);
    assert.equal(visor.graphIsLost, true);
    assert.equal(await bench.probe(), 3);
    const { revision } = await visor.apply(await bench.graph(4));
    assert.equal(revision.number, 1);
    assert.equal(visor.graphIsLost, false);
    assert.equal(await bench.probe(), 4);
  });
  await bench.with(async (visor) => {
    assert.equal(visor.revision?.number, 1);
    assert.equal(await bench.probe(), 4);
    await visor.teardown();
  });
});

test("a graph whose store is lost can be taken off the machine", options, async () => {
  using bench = await atWork(3);
  rmSync(join(bench.folder, "state.db"));
  await bench.with((visor) => visor.teardown());
  assert.equal(await bench.probe(), undefined);
});

test("a damaged store is refused, and packets flow on", options, async () => {
  using bench = await atWork(3);
  const file = join(bench.folder, "state.db");
  const damaged = Buffer.alloc(8192, "damage");
  writeFileSync(file, damaged);
  await assert.rejects(
    bench.with(async () => undefined),
    { code: "E_STORE" },
  );
  assert.deepEqual(readFileSync(file), damaged);
  assert.equal(await bench.probe(), 3);
  rmSync(file);
  await bench.with((visor) => visor.teardown());
});

for (const [what, inside, kept] of [
  ["maps", "maps", false],
  ["attachments", "links", true],
  ["tables", "tables", true],
  ["one table, that programs are bound to,", "tables/iov_devices", true],
] as const) {
  test(`where pins of ${what} were removed, the next opening puts the graph to work again`, options, async () => {
    using bench = await atWork(3);
    unpin(join(folderOf(bench), inside));
    await bench.with(async (visor) => {
      assert.equal(await bench.probe(), 3);
      assert.equal(countIn(visor), kept ? 2n : 1n, "the state of the function");
      assert.ok(visor.running.isIntact());
      await visor.apply(await bench.graph(5));
      assert.equal(await bench.probe(), 5);
      await visor.teardown();
    });
  });
}

test(
  "a look at packets that the store does not take is taken back, and what comes later goes through",
  options,
  async () => {
    using bench = await atWork(3);
    await using store = await SqliteStore.open(join(bench.folder, "state.db"));
    const transact = store.transact.bind(store);
    let working = Number.POSITIVE_INFINITY;
    store.transact = async (...given) => {
      if (working-- > 0) return await transact(...given);
      throw new IovisorError("E_STORE", "the disk is gone", "give it back");
    };
    await bench.with(
      async (visor) => {
        const generation = visor.running.dataPath.generation.value;
        // The intent is taken, the record of what was committed is not.
        working = 1;
        await assert.rejects(visor.observe({}), { code: "E_STORE" });
        assert.equal(visor.running.dataPath.generation.value, generation);
        working = Number.POSITIVE_INFINITY;
        assert.equal(await bench.probe(), 3);
        await using observation = await visor.observe({});
        await visor.apply(await bench.graph(5));
        assert.equal(await bench.probe(), 5);
        await observation[Symbol.asyncDispose]();
        await visor.teardown();
      },
      { store },
    );
  },
);

test("tables of another size are made anew, and functions keep their state", options, async () => {
  using bench = await atWork(3);
  const sizes = { entries: 64, ports: 64, reasons: 64, pipelines: 16, groups: 16 };
  await bench.with(
    async (visor) => {
      assert.equal(await bench.probe(), 3);
      assert.equal(countIn(visor), 2n);
      await visor.teardown();
    },
    { sizes },
  );
});

test(
  "a map whose layout changed while nothing was running is not taken for one of the new layout",
  options,
  async () => {
    using bench = await atWork(3);
    const kernel = join(bench.folder, "counter", "kernel.ts");
    const text = readFileSync(kernel, "utf8");
    writeFileSync(
      kernel,
      text
        .replace("value: u64", "value: u32")
        .replace("count.value += 1n", "count.value = u32(count.value + 1)")
        .replace("u64, u8", "u32, u8"),
    );
    await bench.with(async (visor) => {
      assert.deepEqual([...visor.recovered!.renewed.keys()], ["c1.seen"]);
      assert.equal(await bench.probe(), 3);
      assert.deepEqual(visor.running.map("c1", "seen")!.map.lookup(new Uint8Array(4)), Uint8Array.of(1, 0, 0, 0));
      await visor.teardown();
    });
  },
);

test("what a process left in the tables is cleared away", options, async () => {
  using bench = await atWork(3);
  await bench.with(async (visor) => {
    const { dataPath, record } = visor.running;
    visor.running.settle();
    const slots = dataPath.slots("tcx");
    const [pipeline] = Object.values(record.pipelines);
    const [device] = record.devices;
    using stranger = KernelProgram.fromId(slots.programId(pipeline!.slot, 0)!);
    slots.set(9, 0, stranger);
    dataPath.devices.set(77, 1, device!);
    using _pair = new Recirculation(dataPath, bench.name, { hook: "tcx", netns: bench.netns });
    assert.equal(
      dataPath.pinnedLinks().some((name) => name.startsWith("recirculation-")),
      true,
    );
    dataPath.table("floods").update(Uint8Array.of(1, 2, 3, 0), new Uint8Array(16 + 64 * 12));
  });
  await bench.with(async (visor) => {
    const { dataPath } = visor.running;
    assert.equal(dataPath.slots("tcx").programId(9, 0), undefined);
    assert.equal(dataPath.devices.get(77, 1), undefined);
    assert.deepEqual([...dataPath.table("floods").keys()], []);
    assert.equal(
      dataPath.pinnedLinks().some((name) => name.startsWith("recirculation-")),
      false,
    );
    assert.doesNotMatch(bench.net.host("middle").exec("ip", ["link"]), /iov[0-9a-f]{7}t[ab]/);
    assert.equal(await bench.probe(), 3);
    await visor.teardown();
  });
});
