import { setTimeout as sleep } from "node:timers/promises";
import type { InstanceCounters, Instances } from "../../api/instances.ts";
import { Client, pathOf } from "../client/client.ts";
import { toJson } from "../json.ts";
import type { ClientArguments } from "../options.ts";
import { stopSignal } from "../run/stop.ts";
import { isTerminal, paint, terminalSize } from "../terminal.ts";
import { table } from "./output.ts";

export interface TopArguments extends ClientArguments {
  readonly interval: number;
  readonly for?: number;
}

interface Sample {
  readonly time: number;
  readonly counters: ReadonlyMap<string, InstanceCounters>;
}

/** What a port, or the drops of an instance, did in a second. */
interface Rate {
  readonly instance: string;
  readonly port: string;
  readonly inPackets: number;
  readonly inBits: number;
  readonly outPackets: number;
  readonly outBits: number;
}

interface Rates {
  readonly ports: readonly Rate[];
  readonly drops: readonly { readonly instance: string; readonly packets: number }[];
}

/** `iovisor top`. */
export async function showTop(args: TopArguments): Promise<number> {
  const client = new Client(args);
  using signal = stopSignal(args.for);
  let ended: number | undefined;
  void signal.stopped.then((code) => {
    ended = code;
  });
  let before = await take(client);
  for (;;) {
    await Promise.race([sleep(args.interval * 1000, undefined, { ref: false }), signal.stopped]);
    if (ended !== undefined) return ended;
    const now = await take(client);
    print(ratesBetween(before, now), args.output);
    before = now;
  }
}

async function take(client: Client): Promise<Sample> {
  const { instances } = await client.get<Instances>("/v1/instances");
  const counters = new Map<string, InstanceCounters>();
  for (const { name } of instances) {
    counters.set(name, await client.get<InstanceCounters>(pathOf("instances", name, "counters")));
  }
  return { time: performance.now(), counters };
}

function ratesBetween(before: Sample, now: Sample): Rates {
  const seconds = (now.time - before.time) / 1000;
  const rate = (old: unknown, next: unknown): number => {
    const difference = Number(BigInt(next as string | number) - BigInt((old ?? 0) as string | number));
    return Math.max(0, difference) / seconds;
  };
  const ports = [...now.counters].flatMap(([instance, counters]) =>
    Object.entries(counters.ports).map(([port, next]): Rate => {
      const old = before.counters.get(instance)?.ports[port];
      return {
        ...{ instance, port },
        inPackets: rate(old?.inPackets, next.inPackets),
        inBits: rate(old?.inBytes, next.inBytes) * 8,
        outPackets: rate(old?.outPackets, next.outPackets),
        outBits: rate(old?.outBytes, next.outBytes) * 8,
      };
    }),
  );
  const sum = (counters: InstanceCounters | undefined): bigint =>
    (counters?.drops ?? []).reduce((total, drop) => total + BigInt(drop.packets), 0n);
  const drops = [...now.counters].map(([instance, counters]) => {
    return { instance, packets: rate(sum(before.counters.get(instance)), sum(counters)) };
  });
  return { ports, drops };
}

function print(rates: Rates, output: ClientArguments["output"]): void {
  if (output !== "table") {
    process.stdout.write(`${toJson({ time: new Date().toISOString(), ...rates })}\n`);
    return;
  }
  const busiest = rates.ports.toSorted((a, b) => b.inBits + b.outBits - a.inBits - a.outBits);
  const rows = busiest.map((one) => [
    ...[one.instance, one.port, scaled(one.inPackets), scaled(one.inBits), scaled(one.outPackets), scaled(one.outBits)],
    scaled(rates.drops.find((drop) => drop.instance === one.instance)?.packets ?? 0),
  ]);
  const titles = ["instance", "port", ">in pkt/s", ">in bit/s", ">out pkt/s", ">out bit/s", ">drops/s"];
  const shown = isTerminal() ? rows.slice(0, terminalSize().rows - 3) : rows;
  const heading = paint("dim", new Date().toISOString());
  const text = `${heading}\n${table(titles, shown, "the graph has no ports")}\n`;
  process.stdout.write(isTerminal() ? `\x1b[H\x1b[J${text}` : text);
}

/** 1234567 as 1.23M. */
function scaled(value: number): string {
  const units = ["", "k", "M", "G", "T"];
  let unit = 0;
  let number = value;
  for (; number >= 1000 && unit < units.length - 1; unit++) number /= 1000;
  return `${unit === 0 ? Math.round(number) : number.toPrecision(3)}${units[unit]}`;
}
