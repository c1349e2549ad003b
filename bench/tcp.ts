/** TCP between two hosts through a graph of functions and through the kernel's bridge, in turn. */

import type { Model } from "../src/engine/visor/model.ts";
import { RunningGraph } from "../src/engine/visor/running-graph.ts";
import { findDevice } from "../src/kernel/devices.ts";
import { setFeatures } from "../src/kernel/ethtool.ts";
import { changeLink } from "../src/kernel/netlink/change-link.ts";
import { createLink } from "../src/kernel/netlink/create-link.ts";
import { VirtualNetwork } from "../src/kernel/virtual-network.ts";
import { type BenchOptions, type BenchResult, progress } from "./lib/benchmark.ts";
import { hirOf } from "./lib/loaded-typescript.ts";
import { decimals, table } from "./lib/markdown.ts";
import { benchFile } from "./lib/output.ts";
import { median } from "./lib/statistics.ts";
import { checksumErrors, throughput } from "./lib/tcp.ts";

const SECONDS = 2;
const ROUNDS = 5;
/** Of the bridge's throughput. */
const LEAST = 0.9;

interface Way extends Disposable {
  readonly name: string;
  readonly network: VirtualNetwork;
}

interface Comparison {
  readonly graph: Way;
  readonly bridge: Way;
}

export async function run(_options: BenchOptions): Promise<BenchResult> {
  const module = await hirOf(benchFile("tcp", "program.ts"));
  using stack = new DisposableStack();
  const graph = async (hook: "tcx" | "xdp") => stack.use(await graphWay(module, hook));
  const comparisons: readonly Comparison[] = [
    { graph: await graph("tcx"), bridge: stack.use(bridgeWay(true)) },
    // XDP at a veth ends segmentation offload at the other end: the bridge has to do without it too.
    { graph: await graph("xdp"), bridge: stack.use(bridgeWay(false)) },
  ];
  const figures = new Map<Way, number[]>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const { graph, bridge } of comparisons) {
      for (const way of round % 2 === 0 ? [graph, bridge] : [bridge, graph]) {
        progress(`round ${round + 1} of ${ROUNDS}: ${way.name}`);
        const measured = await throughput(way.network, "192.0.2.2", SECONDS);
        figures.set(way, [...(figures.get(way) ?? []), measured]);
      }
    }
  }
  progress("");
  return report(comparisons, figures);
}

function report(comparisons: readonly Comparison[], figures: ReadonlyMap<Way, readonly number[]>): BenchResult {
  const rows = comparisons.map(({ graph, bridge }) => {
    const [through, bridged] = [figures.get(graph)!, figures.get(bridge)!];
    const ratios = through.map((figure, round) => figure / bridged[round]!);
    const wrong = [graph, bridge].flatMap(({ network }) => network.hosts.map(checksumErrors));
    return {
      name: graph.name,
      graph: median(through),
      bridge: median(bridged),
      ratio: median(ratios),
      checksumErrors: wrong.reduce((sum, count) => sum + count, 0),
    };
  });
  const markdown = table(
    [
      { title: "one TCP stream", of: ({ name }: (typeof rows)[number]) => name },
      { title: "graph, Gbit/s", of: (row) => decimals(row.graph, 1) },
      { title: "bridge, Gbit/s", of: (row) => decimals(row.bridge, 1) },
      { title: "graph / bridge", of: (row) => decimals(row.ratio, 2) },
      { title: "checksum errors", of: (row) => String(row.checksumErrors) },
    ],
    rows,
  );
  const missed = rows.flatMap((row) => [
    ...(row.ratio < LEAST ? [`${row.name}: ${decimals(row.ratio, 2)} of the bridge's throughput`] : []),
    ...(row.checksumErrors > 0 ? [`${row.name}: ${row.checksumErrors} checksum errors`] : []),
  ]);
  return { markdown, plots: [], data: rows, missed };
}

let count = 0;

function network(): VirtualNetwork {
  const wire = (host: string, device: string, number: number) =>
    [
      { host, device: "eth0", addresses: [`192.0.2.${number}/24`] },
      { host: "m", device },
    ] as const;
  const prefix = `iov${process.pid}t${count++}-`;
  return new VirtualNetwork({ prefix, wires: [wire("a", "lan1", 1), wire("b", "lan2", 2)], resolveNeighbours: true });
}

async function graphWay(module: Awaited<ReturnType<typeof hirOf>>, hook: "tcx" | "xdp"): Promise<Way> {
  using undo = new DisposableStack();
  const net = undo.use(network());
  const middle = net.host("m").namespace;
  const running = new RunningGraph(`iovtcp${process.pid}${hook}`);
  undo.defer(() => running.remove());
  const model: Model = {
    instances: [
      {
        name: "f",
        function: { kind: "forward", module, host: {}, fingerprint: "bench" },
        config: {},
        ports: ["left", "right"].map((name) => ({ name, config: {} })),
      },
    ],
    devices: ["lan1", "lan2"].map((name) => {
      const link = findDevice(name, middle);
      const found = { name, ifindex: link.index, mac: link.address, mtu: link.mtu };
      return { alias: name, name, netns: middle.name, hook, found };
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
  await running.apply(running.prepare(model));
  const kept = undo.move();
  return { name: `graph at ${hook}`, network: net, [Symbol.dispose]: () => kept.dispose() };
}

function bridgeWay(segmentation: boolean): Way {
  const net = network();
  using netlink = net.host("m").netlink();
  createLink(netlink, { kind: "bridge", name: "br0" });
  changeLink(netlink, "br0", { up: true });
  for (const device of ["lan1", "lan2"]) changeLink(netlink, device, { master: "br0" });
  if (!segmentation) {
    for (const host of ["a", "b"]) setFeatures("eth0", { tcpSegmentation: false }, net.host(host).namespace);
  }
  return { name: "bridge", network: net, [Symbol.dispose]: () => net.close() };
}
