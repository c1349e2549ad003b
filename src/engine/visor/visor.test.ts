import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { skipWithoutNetwork, testNetwork } from "../../../test/network/network.ts";
import { buildPacket } from "../../capture/packet.ts";
import { createVethPair } from "../../kernel/devices.ts";
import { deleteLink } from "../../kernel/netlink/change-link.ts";
import { PacketSocket } from "../../kernel/packet-socket.ts";
import type { VirtualNetwork } from "../../kernel/virtual-network.ts";
import { FunctionCatalogue } from "../catalogue/functions.ts";
import { parseGraph } from "../graph/parse.ts";
import type { Graph } from "../graph/types.ts";
import { SqliteStore } from "../store/sqlite.ts";
import { Visor } from "./visor.ts";

const counter = `import {
  arrayMap, config, drop, dropReasons, fixedPorts, forward, onPacket, u64, u8,
} from "iovisor/kernel";
import { Ethernet } from "iovisor/kernel/headers";
export const ports = fixedPorts("inside", "outside");
export const reasons = dropReasons({ closed: "it is closed" });
export const settings = config({ number: u8.default(0, "for the tests"), closed: u8.default(0, "drops everything") });
export const seen = arrayMap({ value: u64, maxEntries: 1 });
export default onPacket((packet) => {
  const count = seen.ref(0);
  if (count) count.value += 1n;
  const ethernet = packet.at(0, Ethernet);
  if (!ethernet || settings.closed > 0) return drop(reasons.closed);
  ethernet.source[5] = settings.number;
  return forward(1 - packet.port);
});
`;

let count = 0;

/** A folder with a function and a store, and a network of two hosts with a machine in between. */
class Bench implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "iovisor-visor-"));
  readonly name = `iovtest${process.pid}v${count++}`;
  readonly net: VirtualNetwork;

  constructor() {
    mkdirSync(join(this.folder, "counter"));
    writeFileSync(join(this.folder, "counter", "kernel.ts"), counter);
    const wire = (host: string, device: string) =>
      [
        { host, device: "eth0" },
        { host: "middle", device },
      ] as const;
    this.net = testNetwork({ wires: [wire("a", "lan1"), wire("b", "lan2")] });
  }

  get netns(): string {
    return this.net.host("middle").namespace.name!;
  }

  async graph(number: number, more: object = {}): Promise<Graph> {
    const { netns } = this;
    return await parseGraph({
      functions: { c1: { kind: "./counter", config: { number, ...more } } },
      devices: { lan1: { name: "lan1", netns }, lan2: { name: "lan2", netns } },
      links: ["dev:lan1 -> c1.inside", "c1.outside -> dev:lan2"],
    });
  }

  /** Opens the visor, and closes it and its store again when `work` is done, as a process that ends would. */
  async with<T>(work: (visor: Visor) => Promise<T>): Promise<T> {
    await using store = await SqliteStore.open(join(this.folder, "state.db"));
    const functions = new FunctionCatalogue({});
    await using visor = await Visor.open({ name: this.name, store, functions, base: this.folder });
    return await work(visor);
  }

  /** The number that a frame from a to b gets on the way; undefined when it does not arrive. */
  async probe(): Promise<number | undefined> {
    using a = new PacketSocket("eth0", this.net.host("a").namespace);
    using b = new PacketSocket("eth0", this.net.host("b").namespace);
    a.send(buildPacket("eth / ip 192.0.2.1 > 192.0.2.2 / udp 1 > 2 / payload 18"));
    return (await b.next(500))?.data[11];
  }

  [Symbol.dispose](): void {
    this.net.close();
    rmSync(this.folder, { recursive: true });
    assert.equal(existsSync(`/sys/fs/bpf/iovisor/${this.name}`), false);
  }
}

const options = { skip: skipWithoutNetwork, timeout: 60_000 };

test("a graph outlives its visor, and the next one takes it over with its state", options, async () => {
  using bench = new Bench();
  await bench.with(async (visor) => {
    const { revision, loaded } = await visor.apply(await bench.graph(7));
    assert.equal(revision.state, "committed");
    assert.deepEqual(loaded, ["tcx:c1"]);
    assert.equal(await bench.probe(), 7);
  });
  assert.equal(await bench.probe(), 7);
  await bench.with(async (visor) => {
    assert.equal(visor.revision?.number, 1);
    const { actions } = await visor.plan(await bench.graph(7));
    assert.deepEqual(
      actions.map((action) => action.kind),
      ["keep"],
    );
    const value = visor.running.map("c1", "seen")!.map.lookup(new Uint8Array(4))!;
    assert.equal(new DataView(value.buffer).getBigUint64(0, true), 2n);
    await visor.apply(await bench.graph(8));
    assert.equal(await bench.probe(), 8);
    await visor.rollback(1);
    assert.equal(await bench.probe(), 7);
    assert.deepEqual(
      (await visor.revisions()).map(({ number, state }) => [number, state]),
      [
        [3, "committed"],
        [2, "committed"],
        [1, "committed"],
      ],
    );
    await visor.teardown();
  });
  assert.equal(await bench.probe(), undefined);
});

test("after a reboot the last revision is applied again", options, async () => {
  using bench = new Bench();
  await bench.with(async (visor) => {
    await visor.apply(await bench.graph(5));
    // What a reboot leaves of it: nothing in the kernel, the store as it was.
    visor.running.detachAll();
    visor.running.dataPath.pins.removeAll();
  });
  assert.equal(await bench.probe(), undefined);
  await bench.with(async (visor) => {
    assert.equal(await bench.probe(), 5);
    await visor.teardown();
  });
});

test("a device that goes and comes back is attached to again", options, async () => {
  using bench = new Bench();
  const middle = bench.net.host("middle");
  await bench.with(async (visor) => {
    await visor.apply(await bench.graph(3));
    using netlink = middle.netlink();
    deleteLink(netlink, "lan1");
    await visor.refresh();
    assert.equal(await bench.probe().catch(() => undefined), undefined);
    createVethPair(
      { name: "lan1", namespace: middle.namespace },
      { name: "eth0", namespace: bench.net.host("a").namespace },
    );
    await visor.refresh();
    assert.equal(await bench.probe(), 3);
    await visor.teardown();
  });
});

test("a change for another revision than the live one is refused", options, async () => {
  using bench = new Bench();
  await bench.with(async (visor) => {
    await visor.apply(await bench.graph(1), { expected: 0 });
    await assert.rejects(visor.apply(await bench.graph(2), { expected: 0 }), { code: "E_CONFLICT" });
    assert.equal(await bench.probe(), 1);
    await visor.teardown();
  });
});

test("a graph that is refused is not a revision", options, async () => {
  using bench = new Bench();
  await bench.with(async (visor) => {
    await visor.apply(await bench.graph(1));
    await assert.rejects(visor.apply(await bench.graph(2, { nonsense: 1 })), { code: "E_GRAPH" });
    assert.deepEqual((await visor.revisions()).length, 1);
    assert.equal(await bench.probe(), 1);
    await visor.teardown();
  });
});
