/** For tests of whole visors. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildPacket } from "../../src/capture/packet.ts";
import { FunctionCatalogue } from "../../src/engine/catalogue/functions.ts";
import { parseGraph } from "../../src/engine/graph/parse.ts";
import type { Graph } from "../../src/engine/graph/types.ts";
import { SqliteStore } from "../../src/engine/store/sqlite.ts";
import { Visor, type VisorOptions } from "../../src/engine/visor/visor.ts";
import { PacketSocket } from "../../src/kernel/packet-socket.ts";
import type { VirtualNetwork } from "../../src/kernel/virtual-network.ts";
import { testNetwork } from "./network.ts";

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

/** Sends what comes in on one of its first two ports out of the other. */
const hub = counter
  .replace('fixedPorts("inside", "outside")', "dynamicPorts({ maximum: 16 })")
  .replace("fixedPorts,", "dynamicPorts,")
  .replace("1 - packet.port", "packet.port === 0 ? 1 : 0");

const kernels = { counter, hub };

let count = 0;

/** A folder with a function and a store, and a network of two hosts with a machine in between. */
export class VisorBench implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "iovisor-visor-"));
  readonly name = `iovtest${process.pid}v${count++}`;
  readonly net: VirtualNetwork;

  constructor({ counter = "counter" }: { readonly counter?: keyof typeof kernels } = {}) {
    mkdirSync(join(this.folder, "counter"));
    writeFileSync(join(this.folder, "counter", "kernel.ts"), kernels[counter]);
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
  async with<T>(work: (visor: Visor) => Promise<T>, options: Partial<VisorOptions> = {}): Promise<T> {
    await using store = await SqliteStore.open(join(this.folder, "state.db"));
    const functions = new FunctionCatalogue({});
    await using visor = await Visor.open({ name: this.name, store, functions, base: this.folder, ...options });
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
