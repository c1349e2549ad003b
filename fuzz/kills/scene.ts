/** What the processes that are killed and the one that watches them agree on. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FunctionCatalogue } from "../../src/engine/catalogue/functions.ts";
import { parseGraph } from "../../src/engine/graph/parse.ts";
import type { Graph } from "../../src/engine/graph/types.ts";
import { SqliteStore } from "../../src/engine/store/sqlite.ts";
import { Visor } from "../../src/engine/visor/visor.ts";

export interface Scene {
  /** With functions and the store. */
  readonly folder: string;
  /** Of the data path. */
  readonly name: string;
  readonly netns: string;
}

/** Stamps are bytes; this many revisions differ. */
export const stamps = 251;

/** Writes the number that its settings give into the last byte but one of the source address. */
const first = `import { config, drop, dropReasons, dynamicPorts, forward, onPacket, u8 } from "iovisor/kernel";
import { Ethernet } from "iovisor/kernel/headers";
export const ports = dynamicPorts({ maximum: 8 });
export const reasons = dropReasons({ short: "it is too short" });
export const settings = config({ stamp: u8.default(0, "of the revision") });
export default onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (!ethernet) return drop(reasons.short);
  ethernet.source[4] = settings.stamp;
  return forward(packet.port === 0 ? 1 : 0);
});
`;

/** Writes the number that a table gives into the last byte; counts in a map that keeps its state. */
const second = `import {
  arrayMap, drop, dropReasons, fixedPorts, forward, onPacket, u32, u64, u8,
} from "iovisor/kernel";
import { Ethernet } from "iovisor/kernel/headers";
export const ports = fixedPorts("inside", "outside");
export const reasons = dropReasons({ short: "it is too short" });
export const numbers = arrayMap({ value: u32, maxEntries: 1 });
export const seen = arrayMap({ value: u64, maxEntries: 1 });
export default onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  const number = numbers.get(0);
  if (!ethernet || number === undefined) return drop(reasons.short);
  const count = seen.ref(0);
  if (count) count.value += 1n;
  ethernet.source[5] = u8(number & 255);
  return forward(1 - packet.port);
});
`;

const secondHost = `export default {
  configurationTables: ["numbers"],
  configSchema: { type: "object", properties: { stamp: { type: "integer" } }, additionalProperties: false },
  tables: ({ config }) => ({ numbers: [[0, config.stamp]] }),
};
`;

export function writeFunctions(folder: string): void {
  const write = (kind: string, file: string, text: string): void => {
    mkdirSync(join(folder, kind), { recursive: true });
    writeFileSync(join(folder, kind, file), text);
  };
  write("first", "kernel.ts", first);
  write("second", "kernel.ts", second);
  write("second", "host.ts", secondHost);
  // The same with another layout of the map that keeps its state.
  const wide = second.replace(
    "seen = arrayMap({ value: u64, maxEntries: 1 })",
    "seen = arrayMap({ value: u64, maxEntries: 2 })",
  );
  write("wide", "kernel.ts", wide);
  write("wide", "host.ts", secondHost);
}

const isCut = (number: number): boolean => number % 3 > 0;

/** Whether what comes in on the third device goes out of the first one; else it is left to the stack. */
export function hasThird(number: number): boolean {
  return isCut(number) && number % 5 > 2;
}

/** Graphs that differ in stamps, contents of tables, pipelines, and what is attached. */
async function graphOf(number: number, { netns }: Scene): Promise<Graph> {
  const stamp = number % stamps;
  const cut = isCut(number);
  const device = (name: string) => [name, { name, netns }] as const;
  const kind = number % 4 === 3 ? "./wide" : "./second";
  const side = (name: string) => [name, { kind, config: { stamp } }] as const;
  return await parseGraph({
    functions: {
      s1: { kind: "./first", config: { stamp }, ports: { in: {}, out: {}, x: {}, y: {} } },
      ...Object.fromEntries(["s2", ...(cut ? ["x", "y"] : [])].map(side)),
    },
    devices: Object.fromEntries(["lan1", "lan2", ...(hasThird(number) ? ["lan3"] : [])].map(device)),
    links: [
      "dev:lan1 -> s1.in",
      "s1.out -> s2.inside",
      "s2.outside -> dev:lan2",
      // Three functions behind one: each becomes a pipeline of its own.
      ...(cut ? ["s1.x -> x.inside", "s1.y -> y.inside"] : []),
      ...(hasThird(number) ? ["dev:lan3 -> y.outside"] : []),
    ],
  });
}

/** Revisions that fail have numbers too: the comment tells which graph it is. */
export async function applyNumber(visor: Visor, number: number, scene: Scene): Promise<void> {
  await visor.apply(await graphOf(number, scene), { comment: String(number) });
}

/** Of the graph that is live; 0 before the first. */
export function numberOf(visor: Visor): number {
  return Number(visor.revision?.comment ?? 0);
}

function dieBefore(store: SqliteStore, transaction: number): void {
  const transact = store.transact.bind(store);
  let count = 0;
  store.transact = async (work) => {
    if (count++ === transaction) process.kill(process.pid, "SIGKILL");
    return await transact(work);
  };
}

export interface OpenScene extends AsyncDisposable {
  readonly visor: Visor;
}

/** @param dying the transaction of the store right before which the process kills itself, counted from 0. */
export async function openVisor({ folder, name }: Scene, dying?: number): Promise<OpenScene> {
  const store = await SqliteStore.open(join(folder, "state.db"));
  if (dying !== undefined) dieBefore(store, dying);
  try {
    const functions = new FunctionCatalogue({});
    const visor = await Visor.open({ name, store, functions, base: folder });
    return {
      visor,
      async [Symbol.asyncDispose]() {
        await visor[Symbol.asyncDispose]();
        await store[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
}
