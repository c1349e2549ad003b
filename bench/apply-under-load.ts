/** Applies a graph again and again while frames come at full rate: each frame is delivered, or its drop is counted. */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { readCounters } from "../src/engine/visor/counters.ts";
import type { Model } from "../src/engine/visor/model.ts";
import type { Prepared } from "../src/engine/visor/prepare.ts";
import { RunningGraph } from "../src/engine/visor/running-graph.ts";
import { findDevice } from "../src/kernel/devices.ts";
import { VirtualNetwork } from "../src/kernel/virtual-network.ts";
import { type BenchOptions, type BenchResult, progress } from "./lib/benchmark.ts";
import { hirOf } from "./lib/loaded-typescript.ts";
import { pinTo } from "./lib/machine.ts";
import { decimals, grouped, table } from "./lib/markdown.ts";
import { benchFile } from "./lib/output.ts";
import { median, quantile } from "./lib/statistics.ts";

const APPLIES = 500;
const MOST_SECONDS = 300;
const GENERATOR_CPU = 1;
const SETTLE_MILLISECONDS = 300;
const ENTRIES = 256;

export async function run(_options: BenchOptions): Promise<BenchResult> {
  const module = await hirOf(benchFile("apply-under-load", "program.ts"));
  pinTo(0);
  const end = (host: string, device: string, middle: string) =>
    [
      { host, device },
      { host: "m", device: middle },
    ] as const;
  const prefix = `iov${process.pid}u-`;
  using network = new VirtualNetwork({ prefix, wires: [end("generator", "out0", "lan1"), end("sink", "in0", "lan2")] });
  using undo = new DisposableStack();
  const graph = new RunningGraph(`iovload${process.pid}`);
  undo.defer(() => graph.remove());
  const model = (version: number): Model => modelOf(network, module, version);
  let prepared: Prepared = graph.prepare(model(0));
  await graph.apply(prepared);
  const state = graph.map("f", "state")!.map;
  for (let key = 0; key < ENTRIES; key++) state.update(word(key + 1), word(key + 7));

  const generatorHost = network.host("generator");
  const ifindex = findDevice("out0", generatorHost.namespace).index;
  const args = [benchFile("lib", "frame-generator.ts"), ...[ifindex, GENERATOR_CPU, MOST_SECONDS].map(String)];
  const generator = generatorHost.spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
  const exit = once(generator, "exit");
  const start = packets(network, "m", "lan1", "rx");
  while (packets(network, "m", "lan1", "rx") === start) await sleep(10);

  const began = performance.now();
  const times: number[] = [];
  for (let version = 1; version <= APPLIES; version++) {
    progress(`apply ${version} of ${APPLIES}`);
    const at = performance.now();
    prepared = graph.prepare(model(version));
    await graph.apply(prepared);
    times.push(performance.now() - at);
    graph.settle();
    await sleep(1);
  }
  const seconds = (performance.now() - began) / 1000;
  generator.kill("SIGKILL");
  await exit;
  await sleep(SETTLE_MILLISECONDS);
  progress("");
  const arrived = packets(network, "m", "lan1", "rx");
  const counters = readCounters({ prepared, running: graph });
  const { ports, drops } = counters["f"]!;
  const kept = Array.from({ length: ENTRIES }, (_, key) => state.lookup(word(key + 1))).filter((value) => value).length;
  return report({
    arrived,
    entered: Number(ports["left"]!.inPackets),
    out: Number(ports["right"]!.outPackets),
    delivered: packets(network, "sink", "in0", "rx"),
    // What the device behind the last port could not take: the kernel's count.
    overrun: dropped(network),
    dropped: Number(drops.reduce((sum, { packets }) => sum + packets, 0n)),
    kept,
    times,
    seconds,
  });
}

function word(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

function modelOf(network: VirtualNetwork, module: Awaited<ReturnType<typeof hirOf>>, version: number): Model {
  const { namespace } = network.host("m");
  return {
    instances: [
      {
        name: "f",
        function: { kind: "stamp", module, host: {}, fingerprint: "bench" },
        config: { version },
        ports: ["left", "right"].map((name) => ({ name, config: {} })),
      },
    ],
    devices: ["lan1", "lan2"].map((name) => {
      const link = findDevice(name, namespace);
      const found = { name, ifindex: link.index, mac: link.address, mtu: link.mtu };
      return { alias: name, name, netns: namespace.name, hook: "xdp", found };
    }),
    links: [
      [
        { kind: "device", device: "lan1" },
        { kind: "port", instance: "f", port: "left" },
      ],
      [
        { kind: "port", instance: "f", port: "right" },
        { kind: "device", device: "lan2" },
      ],
    ],
  };
}

interface LinkStatistics {
  readonly stats64: Readonly<Record<"rx" | "tx", { readonly packets: number; readonly dropped: number }>>;
}

function statistics(network: VirtualNetwork, host: string, device: string): LinkStatistics["stats64"] {
  const text = network.host(host).exec("ip", ["-j", "-s", "link", "show", "dev", device]);
  return (JSON.parse(text) as readonly LinkStatistics[])[0]!.stats64;
}

function packets(network: VirtualNetwork, host: string, device: string, way: "rx" | "tx"): number {
  return statistics(network, host, device)[way].packets;
}

/** Frames that found the queue of the sink full: XDP's transmission counts them where they come from. */
function dropped(network: VirtualNetwork): number {
  const text = network.host("m").exec("ethtool", ["-S", "lan2"]);
  const sent = [...text.matchAll(/tx_queue_\d+_xdp_xmit_errors: (\d+)/g)].map(([, count]) => Number(count));
  const peer = network.host("sink").exec("ethtool", ["-S", "in0"]);
  const errors = [...peer.matchAll(/tx_queue_\d+_xdp_xmit_errors: (\d+)/g)].map(([, count]) => Number(count));
  return [...sent, ...errors].reduce((sum, count) => sum + count, 0);
}

interface Outcome {
  readonly arrived: number;
  readonly entered: number;
  readonly out: number;
  readonly delivered: number;
  readonly overrun: number;
  readonly dropped: number;
  readonly kept: number;
  readonly times: readonly number[];
  readonly seconds: number;
}

function report(outcome: Outcome): BenchResult {
  const { arrived, entered, out, delivered, overrun, dropped, kept, times, seconds } = outcome;
  const rows = [
    ["applies", grouped(times.length)],
    ["frames that reached the hook", grouped(arrived)],
    ["frames that entered the graph", grouped(entered)],
    ["sent out of the port", grouped(out)],
    ["delivered", grouped(delivered)],
    ["found the receiver's queue full", grouped(overrun)],
    ["dropped and counted", grouped(dropped)],
    ["frames per second", grouped(arrived / seconds)],
    ["entries of state kept", `${kept} of ${ENTRIES}`],
    ["apply, median ms", decimals(median(times), 2)],
    ["apply, 95% ms", decimals(quantile(times, 0.95), 2)],
  ] as const;
  const markdown = table(
    [
      { title: "applies under load", of: ([name]: (typeof rows)[number]) => name },
      { title: "", of: ([, value]) => value },
    ],
    rows,
  );
  const missed = [
    ...(entered === arrived ? [] : [`${arrived} frames reached the hook, ${entered} entered the graph`]),
    ...(out + dropped === entered ? [] : [`${entered} entered, ${out} left and ${dropped} were dropped`]),
    ...(delivered + overrun === out ? [] : [`${out} left, ${delivered} were delivered and ${overrun} overran`]),
    ...(kept === ENTRIES ? [] : [`${ENTRIES - kept} entries of state were lost`]),
  ];
  return { markdown, plots: [], data: outcome, missed };
}
