/**
 * One number of routes in a process of its own, so that its memory is that of these routes: `size.ts COUNT SEED`.
 * Writes what it measured to standard output, as JSON.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FunctionCatalogue } from "../../src/engine/catalogue/functions.ts";
import { parseGraph } from "../../src/engine/graph/parse.ts";
import type { Graph, JsonObject } from "../../src/engine/graph/types.ts";
import { liveInstances } from "../../src/engine/inspect/instances.ts";
import { InspectedLiveTable, liveTableOf } from "../../src/engine/inspect/live-table.ts";
import { SqliteStore } from "../../src/engine/store/sqlite.ts";
import { Visor } from "../../src/engine/visor/visor.ts";
import { type VirtualHost, VirtualNetwork } from "../../src/kernel/virtual-network.ts";
import { ownMapMemory } from "../graphs/memory.ts";
import { randomRoutes, textOf } from "../graphs/routes.ts";
import { TimedStore } from "../graphs/timed-store.ts";
import type { Change, Measured } from "./measured.ts";

const gateway = "10.0.2.2";
/** Another one in the same network: what a changed route leads to. */
const otherGateway = "10.0.2.3";
/** A network and its broadcast addresses, and the router's own address, for each of two ports. */
const connected = 8;
const pageEntries = 10_000;
/** Between two changes: the room of what was replaced must be free again (a grace period). */
const pause = 60;

const [count, seed] = process.argv.slice(2).map(Number) as [number, number];
const changes = count > 100_000 ? 5 : 15;
/** The first ones find the code cold. */
const warmUp = count > 100_000 ? 2 : 5;

const routes: readonly JsonObject[] = randomRoutes(count, seed).map(({ address, length }) => {
  return { prefix: `${textOf(address)}/${length}`, via: gateway };
});

/** The routes with one that leads elsewhere. */
function changed(change: number): readonly JsonObject[] {
  const index = (change * 7919) % count;
  return routes.with(index, { ...routes[index]!, via: otherGateway });
}

async function graphOf(netns: string, list: readonly JsonObject[]): Promise<Graph> {
  const device = (name: string) => ({ name, netns, hook: "tcx" });
  const ports = { inside: { addresses: ["10.0.1.1/24"] }, outside: { addresses: ["10.0.2.1/24"] } };
  // As a text, as from a request: nothing of it is known from before.
  const text = JSON.stringify({
    functions: { r1: { kind: "router", config: { routes: list }, ports } },
    devices: { in: device("p0"), out: device("p1") },
    links: ["dev:in -> r1.inside", "r1.outside -> dev:out"],
  });
  return await parseGraph(JSON.parse(text) as object);
}

function edited(graph: Graph, list: readonly JsonObject[]): Graph {
  const r1 = graph.functions["r1"]!;
  return { ...graph, functions: { ...graph.functions, r1: { ...r1, config: { ...r1.config, routes: list } } } };
}

async function timed(store: TimedStore, apply: () => Promise<unknown>): Promise<Change> {
  store.begun = [];
  const start = performance.now();
  await apply();
  const recorded = performance.now() - start;
  return { live: store.begun[1]! - start, recorded };
}

async function series(visor: Visor, change: (number: number) => Promise<Change>): Promise<readonly Change[]> {
  const all: Change[] = [];
  for (let number = 0; number < warmUp + changes; number++) {
    all.push(await change(number));
    await sleep(pause);
    visor.running.settle();
  }
  return all.slice(warmUp);
}

async function listAll(visor: Visor): Promise<number> {
  const table = liveTableOf(liveInstances(visor).get("r1")!, "routes")!;
  const start = performance.now();
  let rows = 0;
  for await (const page of new InspectedLiveTable(visor, "r1", table).pages(pageEntries)) rows += page.length;
  if (rows !== count + connected) throw new Error(`${rows} routes are listed, not ${count + connected}`);
  return performance.now() - start;
}

function processMemory(field: "VmRSS" | "VmHWM"): number {
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(readFileSync("/proc/self/status", "utf8"))![1];
  return Number(kilobytes) * 1024;
}

type OfVisor = Pick<Measured, "first" | "list" | "edits" | "applies"> & {
  readonly memory: Omit<Measured["memory"], "trie">;
};

async function ofVisor(visor: Visor, store: TimedStore, netns: string): Promise<OfVisor> {
  await visor.apply(await graphOf(netns, []));
  visor.running.settle();
  const graph = await graphOf(netns, routes);
  const { recorded: first } = await timed(store, () => visor.apply(graph));
  visor.running.settle();
  const memory = {
    resident: processMemory("VmRSS"),
    mostResident: processMemory("VmHWM"),
    maps: ownMapMemory(),
  };
  const list = await listAll(visor);
  const edits = await series(visor, (change) =>
    timed(store, () =>
      visor.edit((live) => {
        // As the daemon has it: the other routes are the objects of the live graph.
        const before = live.functions["r1"]!.config["routes"] as readonly JsonObject[];
        const index = (change * 7919) % count;
        const via = before[index]!["via"] === gateway ? otherGateway : gateway;
        return edited(live, before.with(index, { ...before[index]!, via }));
      }),
    ),
  );
  const applies = await series(visor, async (change) => {
    const next = await graphOf(netns, changed(change));
    return await timed(store, () => visor.apply(next));
  });
  return { first, list, edits, applies, memory };
}

async function inVisor(netns: string): Promise<OfVisor> {
  // The store is where a daemon's would be, on a disk: the folder for temporary files may be memory.
  const folder = mkdtempSync(join(import.meta.dirname, "..", "..", "routes-apply-"));
  try {
    await using sqlite = await SqliteStore.open(join(folder, "state.db"));
    const store = new TimedStore(sqlite);
    const functions = new FunctionCatalogue({ router: new URL("../../src/functions/router", import.meta.url) });
    await using visor = await Visor.open({ name: `iovbench${process.pid}`, store, functions, base: folder });
    try {
      return await ofVisor(visor, store, netns);
    } finally {
      await visor.teardown();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The kernel's own routing: what a routing table of it takes, by `ip`. */
function inKernel(host: VirtualHost): Pick<Measured, "kernelFirst" | "kernelChanges"> & { readonly trie: number } {
  const lines = routes.map(({ prefix }) => `route add ${String(prefix)} via ${gateway} dev p1`);
  const start = performance.now();
  const input = `${lines.join("\n")}\n`;
  host.run(() => execFileSync("ip", ["-batch", "-"], { input, stdio: ["pipe", "ignore", "inherit"] }));
  const kernelFirst = performance.now() - start;
  const kernelChanges = Array.from({ length: changes }, (_, change) => {
    const { prefix } = routes[(change * 7919) % count]!;
    const before = performance.now();
    host.exec("ip", ["route", "replace", String(prefix), "via", otherGateway, "dev", "p1"]);
    return performance.now() - before;
  });
  // The sizes of the main and the local trie (net/ipv4/fib_trie.c, trie_show_stats).
  const sizes = host.exec("cat", ["/proc/net/fib_triestat"]).matchAll(/^Total size: +(\d+) +kB/gm);
  const trie = 1024 * [...sizes].reduce((sum, [, kilobytes]) => sum + Number(kilobytes), 0);
  return { kernelFirst, kernelChanges, trie };
}

using network = new VirtualNetwork({
  wires: [
    [
      { host: "target", device: "p0" },
      { host: "others", device: "g0" },
    ],
    [
      { host: "target", device: "p1" },
      { host: "others", device: "s0" },
    ],
    [
      { host: "kernel", device: "p1", addresses: ["10.0.2.1/24"] },
      { host: "others", device: "s1" },
    ],
  ],
  prefix: `iov${process.pid}`,
});
const own = await inVisor(network.host("target").namespace.name!);
const { trie, ...kernel } = inKernel(network.host("kernel"));
const measured: Measured = { routes: count, seed, ...own, ...kernel, memory: { ...own.memory, trie } };
process.stdout.write(JSON.stringify(measured));
