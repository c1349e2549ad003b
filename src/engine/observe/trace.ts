import { describePacket } from "../../capture/packet.ts";
import type { ObservedPacket, Outcome } from "../visor/observe.ts";
import { outcomeText } from "./outcome-text.ts";

/** What one function did with a packet. */
export interface TraceStep {
  readonly instance: string;
  /** The port that it came in on. */
  readonly port: string;
  readonly outcome: Exclude<Outcome, { kind: "in" }>;
  /** Nanoseconds since the packet was met first. */
  readonly after: number;
  /** The packet's headers in one line, where the function changed them. */
  readonly rewritten: string | undefined;
}

/** The way of a packet through the functions, in order. */
export interface Trace {
  readonly id: bigint;
  /** Nanoseconds since 1970. */
  readonly timestamp: bigint;
  readonly length: number;
  /** The packet's headers in one line, as it came in. */
  readonly packet: string;
  readonly steps: readonly TraceStep[];
  /** Whether the last step is where it left the functions; else records were lost. */
  readonly complete: boolean;
}

/** Packets under way at most; where records were lost, the oldest ones end as they are. */
const mostUnderWay = 1024;

/** Joins what was observed of packets that are followed. */
export async function* tracePackets(observation: AsyncIterable<ObservedPacket>): AsyncGenerator<Trace> {
  const underWay = new Map<bigint, ObservedPacket[]>();
  for await (const observed of observation) {
    const known = underWay.get(observed.id) ?? [];
    known.push(observed);
    underWay.set(observed.id, known);
    if (isLast(observed.outcome)) {
      underWay.delete(observed.id);
      yield traceOf(known, true);
    }
    if (underWay.size <= mostUnderWay) continue;
    const [oldest] = underWay;
    underWay.delete(oldest![0]);
    yield traceOf(oldest![1], false);
  }
  for (const known of underWay.values()) yield traceOf(known, false);
}

/** A packet that is forwarded to another function goes on; one that is forwarded to nowhere is dropped next. */
function isLast(outcome: Outcome): boolean {
  if (outcome.kind === "out") return outcome.to === "device" || outcome.to === "host";
  return outcome.kind !== "in";
}

function traceOf(known: readonly ObservedPacket[], complete: boolean): Trace {
  const first = known[0]!;
  let before = headers(first);
  const steps = known.flatMap((observed): TraceStep[] => {
    const { instance, port, outcome } = observed;
    if (outcome.kind === "in") return [];
    const now = headers(observed);
    const rewritten = now === before ? undefined : now;
    before = now;
    return [{ instance, port, outcome, after: Number(observed.timestamp - first.timestamp), rewritten }];
  });
  const { id, timestamp, length } = first;
  return { id, timestamp, length, packet: headers(first), steps, complete };
}

/** Packets that are longer than what was kept of them have nothing to say of their payload. */
function headers({ bytes }: ObservedPacket): string {
  return describePacket(bytes);
}

/** The way of a packet as lines of text: the packet, then a line for each function. */
export function renderTrace(trace: Trace): string {
  const time = new Date(Number(trace.timestamp / 1_000_000n)).toISOString();
  const steps = trace.steps.flatMap((step, index) => {
    const last = index === trace.steps.length - 1;
    const took = `+${(step.after / 1000).toFixed(1)} us`;
    const line = `${last ? "└─" : "├─"} ${step.instance}.${step.port}: ${outcomeText(step.outcome)}  ${took}`;
    return step.rewritten === undefined ? [line] : [line, `${last ? "  " : "│ "}   ${step.rewritten}`];
  });
  const missing = trace.complete ? [] : ["   (what became of it was not seen)"];
  return [`${time} ${trace.length} bytes: ${trace.packet}`, ...steps, ...missing].join("\n");
}
