/** Paths against each other: rounds in which each runs once, in an order that turns. */
import { progress } from "../lib/benchmark.ts";
import { bootstrap, type Estimate, median } from "../lib/statistics.ts";
import { DispatcherHold } from "../lib/timing.ts";
import type { Lane } from "./lane.ts";

const runMilliseconds = 20;
const probeFrames = 4096;

export interface ContestResult {
  /** Nanoseconds per frame of each round, by name of the lane. */
  readonly rounds: Readonly<Record<string, readonly number[]>>;
  /** Frames that did not arrive, by name of the lane. */
  readonly lost: Readonly<Record<string, number>>;
  /** What the paths themselves dropped in all, by name of the lane and reason. */
  readonly drops: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** @param silent lanes whose frames end at a program on the way. */
export function contest(lanes: readonly Lane[], rounds: number, silent: readonly string[] = []): ContestResult {
  using dispatcher = new DispatcherHold(lanes.length);
  dispatcher.hold(lanes.map((lane) => lane.generator));
  const frames = lanes.map((lane) => {
    lane.send(probeFrames);
    const { nanoseconds } = lane.send(probeFrames);
    return Math.max(probeFrames, Math.round((runMilliseconds * 1e6) / nanoseconds));
  });
  const times = lanes.map((): number[] => []);
  const lost = lanes.map(() => 0);
  for (let round = 0; round < rounds; round++) {
    progress(`${lanes.map(({ name }) => name).join(", ")}: round ${round + 1} of ${rounds}`);
    for (let turn = 0; turn < lanes.length; turn++) {
      const index = (turn + round) % lanes.length;
      const { sent, delivered, nanoseconds } = lanes[index]!.send(frames[index]!);
      times[index]!.push(nanoseconds);
      if (!silent.includes(lanes[index]!.name)) lost[index]! += sent - delivered;
    }
  }
  progress("");
  const named = <Value>(values: readonly Value[]) =>
    Object.fromEntries(lanes.map(({ name }, index) => [name, values[index]!]));
  return { rounds: named(times), lost: named(lost), drops: named(lanes.map((lane) => lane.drops())) };
}

/** How many times as long the one takes as the other; `net` is the lane whose time is taken off both. */
export function ratio(result: ContestResult, slow: string, fast: string, net?: string): Estimate {
  const series = [slow, fast, ...(net ? [net] : [])].map((name) => result.rounds[name]!);
  const pairs = series[0]!.map((_, round) => series.map((one) => one[round]!));
  const indices = pairs.map((_, round) => round);
  return bootstrap([indices], ([drawn]) => {
    const [above, below, base] = series.map((_, lane) => median(drawn!.map((round) => pairs[round]![lane]!)));
    return (above! - (base ?? 0)) / (below! - (base ?? 0));
  });
}

export function medianOf(result: ContestResult, name: string): number {
  return median(result.rounds[name]!);
}

/** What was lost, as sentences, with what its path says of it. */
export function losses(result: ContestResult): readonly string[] {
  return Object.entries(result.lost)
    .filter(([, frames]) => frames !== 0)
    .map(([name, frames]) => {
      const drops = Object.entries(result.drops[name]!).map(([reason, count]) => `${reason} ${count}`);
      return `${name}: ${frames} frames sent did not arrive; dropped in all: ${drops.join(", ") || "none"}`;
    });
}

/** "4.87 (4.80 to 4.93)": the value and the interval in which it lies with 90% confidence. */
export function interval({ value, low, high }: Estimate): string {
  return `${value.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}
