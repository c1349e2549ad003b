import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { skipWithoutNetwork, testNetwork } from "../../../test/network/network.ts";
import { buildPacket } from "../../capture/packet.ts";
import { PacketSocket } from "../../kernel/packet-socket.ts";
import type { VirtualNetwork } from "../../kernel/virtual-network.ts";
import { FunctionCatalogue } from "../catalogue/functions.ts";
import { parseGraph } from "../graph/parse.ts";
import type { Graph } from "../graph/types.ts";
import { SqliteStore } from "../store/sqlite.ts";
import type { Store } from "../store/store.ts";
import { Visor } from "./visor.ts";

/** A store whose process ends in the middle: before or after one of its transactions. */
class EndingStore implements Store {
  readonly #store: Store;
  #end: { readonly at: "before" | "after"; left: number } | undefined;
  #ended = false;

  constructor(store: Store) {
    this.#store = store;
  }

  endAt(at: "before" | "after", transaction: number): void {
    this.#end = { at, left: transaction };
  }

  async transact<T>(work: Parameters<Store["transact"]>[0]): Promise<T> {
    if (this.#end) this.#end.left--;
    const isLast = this.#end?.left === 0;
    if (isLast && this.#end?.at === "before") this.#ended = true;
    if (this.#ended) throw new Error("the process ended");
    const result = await this.#store.transact(work);
    if (isLast) this.#ended = true;
    if (this.#ended) throw new Error("the process ended");
    return result as T;
  }

  watch(...watched: Parameters<Store["watch"]>): Disposable {
    return this.#store.watch(...watched);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

let count = 0;

/** An access list between two hosts; what is sent is a datagram from 192.0.2.1. */
class Bench implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "iovisor-rules-"));
  readonly name = `iovtest${process.pid}r${count++}`;
  readonly net: VirtualNetwork = testNetwork({
    wires: [
      [
        { host: "a", device: "eth0" },
        { host: "middle", device: "lan1" },
      ],
      [
        { host: "b", device: "eth0" },
        { host: "middle", device: "lan2" },
      ],
    ],
  });

  /** Rules that have nothing to do with the datagram, and one that has. */
  async graph(action: string, others = 100): Promise<Graph> {
    const netns = this.net.host("middle").namespace.name!;
    const rules = Array.from({ length: others }, (_, index) => ({
      action: "drop",
      source: `10.0.${index & 255}.0/24`,
    }));
    return await parseGraph({
      functions: { fw: { kind: "acl", config: { rules: [...rules, { action, source: "192.0.2.0/24" }] } } },
      devices: { lan1: { name: "lan1", netns }, lan2: { name: "lan2", netns } },
      links: ["dev:lan1 -> fw.inside", "fw.outside -> dev:lan2"],
    });
  }

  /** Opens the visor, and closes it and its store again when `work` is done, as a process that ends would. */
  async with<T>(work: (visor: Visor, store: EndingStore) => Promise<T>): Promise<T> {
    await using store = await SqliteStore.open(join(this.folder, "state.db"));
    const ending = new EndingStore(store);
    const functions = new FunctionCatalogue({ acl: new URL("../../functions/acl", import.meta.url) });
    await using visor = await Visor.open({ name: this.name, store: ending, functions, base: this.folder });
    return await work(visor, ending);
  }

  async passes(): Promise<boolean> {
    using a = new PacketSocket("eth0", this.net.host("a").namespace);
    using b = new PacketSocket("eth0", this.net.host("b").namespace);
    a.send(buildPacket("eth / ip 192.0.2.1 > 192.0.2.2 / udp 1 > 2 / payload 18"));
    return (await b.next(500)) !== undefined;
  }

  [Symbol.dispose](): void {
    this.net.close();
    rmSync(this.folder, { recursive: true });
    assert.equal(existsSync(`/sys/fs/bpf/iovisor/${this.name}`), false);
  }
}

const options = { skip: skipWithoutNetwork, timeout: 60_000 };

test("another rule is one store: programs, maps and the generation stay", options, async () => {
  using bench = new Bench();
  await bench.with(async (visor) => {
    await visor.apply(await bench.graph("drop"));
    assert.equal(await bench.passes(), false);
    const { pipelines, generation, nextMap } = visor.running.record;
    for (const action of ["accept", "drop", "accept"]) {
      const { loaded, kept, revision } = await visor.apply(await bench.graph(action));
      assert.deepEqual([loaded, kept, revision.state], [[], ["tcx:fw"], "committed"]);
      assert.equal(await bench.passes(), action === "accept");
    }
    const { record } = visor.running;
    assert.deepEqual([record.pipelines, record.generation, record.nextMap], [pipelines, generation, nextMap]);
    await visor.rollback(1);
    assert.equal(await bench.passes(), false);
    assert.deepEqual((await visor.plan(await bench.graph("drop"))).changes, []);
  });
  await bench.with(async (visor) => {
    assert.equal(visor.revision?.number, 5);
    const { pipelines } = visor.running.record;
    await visor.apply(await bench.graph("accept"));
    assert.equal(await bench.passes(), true);
    assert.deepEqual(visor.running.record.pipelines, pipelines);
    await visor.teardown();
  });
});

test("rules that do not fit get a map and a program of their own", options, async () => {
  using bench = new Bench();
  await bench.with(async (visor) => {
    await visor.apply(await bench.graph("drop"));
    const { loaded, renewed } = await visor.apply(await bench.graph("accept", 5000));
    assert.deepEqual([loaded, [...renewed]], [["tcx:fw"], []]);
    assert.equal(await bench.passes(), true);
    assert.deepEqual((await visor.apply(await bench.graph("drop", 5000))).loaded, []);
    assert.equal(await bench.passes(), false);
    await visor.teardown();
  });
});

const ends = [
  ["before the intent is durable", "before", 1, false],
  ["between the intent and the store", "after", 1, false],
  ["between the store and the record", "before", 2, true],
] as const;

for (const [when, at, transaction, took] of ends) {
  test(
    `a process that ends ${when} leaves the ${took ? "new" : "old"} rules, and the next one knows`,
    options,
    async () => {
      using bench = new Bench();
      await bench.with(async (visor, store) => {
        await visor.apply(await bench.graph("drop"));
        store.endAt(at, transaction);
        // A process that ended takes nothing back, unlike one whose store fails.
        visor.running.revert = () => undefined;
        await assert.rejects(visor.apply(await bench.graph("accept")), /the process ended/);
      });
      assert.equal(await bench.passes(), took);
      await bench.with(async (visor) => {
        assert.equal(await bench.passes(), took);
        assert.equal(visor.revision?.number, took ? 2 : 1);
        const states = (await visor.revisions()).map(({ state }) => state);
        assert.deepEqual(
          states,
          took ? ["committed", "committed"] : at === "before" ? ["committed"] : ["failed", "committed"],
        );
        assert.deepEqual((await visor.plan(await bench.graph(took ? "accept" : "drop"))).changes, []);
        const { loaded } = await visor.apply(await bench.graph(took ? "drop" : "accept"));
        assert.deepEqual(loaded, []);
        assert.equal(await bench.passes(), !took);
        await visor.teardown();
      });
    },
  );
}

test("what a host side finds wrong is said with its place, and nothing changes", options, async () => {
  using bench = new Bench();
  await bench.with(async (visor) => {
    const graph = await bench.graph("accept");
    await visor.apply(graph);
    const rules = [{ action: "accept", source: "@nobody" }];
    const wrong = { ...graph, functions: { fw: { ...graph.functions["fw"]!, config: { rules } } } };
    await assert.rejects(visor.apply(wrong), {
      code: "E_GRAPH",
      message: 'functions.fw.config.rules[0].source: there is no set "nobody": there is none',
    });
    assert.equal(visor.revision?.number, 1);
    assert.equal(await bench.passes(), true);
    await visor.teardown();
  });
});
