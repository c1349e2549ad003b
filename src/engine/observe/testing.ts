/** For tests of this layer: a machine with functions between two hosts, as a visor keeps them. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildPacket } from "../../capture/packet.ts";
import { PacketSocket } from "../../kernel/packet-socket.ts";
import { VirtualNetwork } from "../../kernel/virtual-network.ts";
import { FunctionCatalogue } from "../catalogue/functions.ts";
import { parseGraph } from "../graph/parse.ts";
import type { Graph } from "../graph/types.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import { MemoryStore } from "../store/memory.ts";
import type { ObservedPacket } from "../visor/observe.ts";
import { Visor } from "../visor/visor.ts";

/** Counts, writes a mark into the source address, drops UDP to port 9 for a reason, and passes on. */
const gate = `import {
  arrayMap, config, drop, dropReasons, fixedPorts, forward, onPacket, Pass, u64, u8,
} from "iovisor/kernel";
import { Ethernet, EtherType, Ipv4, Udp } from "iovisor/kernel/headers";
export const ports = fixedPorts("inside", "outside");
export const reasons = dropReasons({ unwanted: "UDP to port 9 is not wanted" });
export const settings = config({ mark: u8.default(0, "last byte of the source address; 0: as it is"),
  closed: u8.default(0, "drops UDP to port 9") });
export const seen = arrayMap({ value: u64, maxEntries: 1 });
export default onPacket((packet) => {
  const count = seen.ref(0);
  if (count) count.value += 1n;
  const ethernet = packet.at(0, Ethernet);
  if (!ethernet) return Pass;
  if (settings.mark > 0) ethernet.source[5] = settings.mark;
  if (ethernet.type === EtherType.ipv4) {
    const udp = packet.at(Ethernet.size + Ipv4.size, Udp);
    if (settings.closed > 0 && udp && udp.destination === 9) return drop(reasons.unwanted);
  }
  return forward(1 - packet.port);
});
`;

let count = 0;

/** Host a - lan1 - functions g1, g2, ... - lan2 - host b. */
export class Line implements AsyncDisposable {
  visor: Visor;
  readonly a: PacketSocket;
  readonly b: PacketSocket;
  readonly #open: () => Promise<Visor>;
  readonly #stack: AsyncDisposableStack;

  private constructor(open: () => Promise<Visor>, visor: Visor, net: VirtualNetwork, stack: AsyncDisposableStack) {
    this.#open = open;
    this.visor = visor;
    const socket = (host: string) => stack.use(new PacketSocket("eth0", net.host(host).namespace));
    this.a = socket("a");
    this.b = socket("b");
    this.#stack = stack;
  }

  /** @param functions how many; the last one is closed to UDP port 9, each writes its number as a mark. */
  static async make(hook: PipelineHook, functions = 2): Promise<Line> {
    await using stack = new AsyncDisposableStack();
    const folder = mkdtempSync(join(tmpdir(), "iovisor-observe-"));
    stack.defer(() => rmSync(folder, { recursive: true }));
    mkdirSync(join(folder, "gate"));
    writeFileSync(join(folder, "gate", "kernel.ts"), gate);
    const end = (host: string, device: string) =>
      [
        { host, device: "eth0" },
        { host: "middle", device },
      ] as const;
    const prefix = `iov${process.pid}o${count}-`;
    const net = new VirtualNetwork({ wires: [end("a", "lan1"), end("b", "lan2")], prefix });
    stack.defer(() => net.close());
    if (hook === "xdp") {
      for (const host of ["a", "b"]) net.host(host).exec("ethtool", ["-K", "eth0", "gro", "on", "txvlan", "off"]);
    }
    const name = `iovtest${process.pid}o${count++}`;
    const store = new MemoryStore();
    const open = () => Visor.open({ name, store, functions: new FunctionCatalogue({}), base: folder });
    const line = new Line(open, await open(), net, stack.move());
    try {
      await line.visor.apply(await lineGraph(net.host("middle").namespace.name!, hook, functions));
      return line;
    } catch (error) {
      await line[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Another visor takes the place of this one, which closed in order or died. */
  async reopen({ died = false } = {}): Promise<void> {
    if (died) this.visor.running[Symbol.dispose]();
    else await this.visor[Symbol.asyncDispose]();
    this.visor = await this.#open();
  }

  /** Sends descriptions of packets from a to b. */
  send(...descriptions: readonly string[]): void {
    for (const description of descriptions) this.a.send(buildPacket(description));
  }

  /** How many packets a function has seen. */
  seen(instance: string): bigint {
    const value = this.visor.running.map(instance, "seen")!.map.lookup(new Uint8Array(4))!;
    return new DataView(value.buffer, value.byteOffset).getBigUint64(0, true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { folder } = this.visor.running.dataPath.pins;
    await this.visor.teardown();
    await this.visor[Symbol.asyncDispose]();
    await this.#stack.disposeAsync();
    assert.equal(existsSync(folder), false);
  }
}

async function lineGraph(netns: string, hook: PipelineHook, functions: number): Promise<Graph> {
  const names = Array.from({ length: functions }, (_, index) => `g${index + 1}`);
  return await parseGraph({
    functions: Object.fromEntries(
      names.map((name, index) => {
        const closed = index === names.length - 1 ? 1 : 0;
        return [name, { kind: "./gate", config: { mark: index + 1, closed } }];
      }),
    ),
    devices: { lan1: { name: "lan1", netns, hook }, lan2: { name: "lan2", netns, hook } },
    links: [
      "dev:lan1 -> g1.inside",
      ...names.slice(1).map((name, index) => `${names[index]}.outside -> ${name}.inside`),
      `${names.at(-1)}.outside -> dev:lan2`,
    ],
  });
}

/** So many of what comes, or what came until the time is over. */
export async function take<T>(source: AsyncIterator<T>, wanted: number, milliseconds = 3000): Promise<T[]> {
  const taken: T[] = [];
  const late = AbortSignal.timeout(milliseconds);
  const over = new Promise<undefined>((resolve) => late.addEventListener("abort", () => resolve(undefined)));
  while (taken.length < wanted) {
    const next = await Promise.race([source.next(), over]);
    if (!next || next.done) break;
    taken.push(next.value);
  }
  return taken;
}

/** What was observed, in short. */
export function brief({ instance, port, outcome }: ObservedPacket): string {
  const more = outcome.kind === "out" ? ` ${outcome.port}` : outcome.kind === "drop" ? ` ${outcome.reason}` : "";
  return `${instance}.${port} ${outcome.kind}${more}`;
}
