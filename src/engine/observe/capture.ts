import { type CapturedPacket, linkTypes } from "../../capture/capture.ts";
import { PcapngWriter } from "../../capture/pcapng-writer.ts";
import { tagProtocols } from "../../compiler/hir/tag-protocols.ts";
import { tagNumber, withTagBeside } from "../pipeline/tag-beside.ts";
import type { Observation, ObservedPacket, Outcome } from "../visor/observe.ts";
import type { TappedPort } from "../visor/taps.ts";
import { outcomeText } from "./outcome-text.ts";

/** Packets whose verdicts have not come yet: where one was lost, it never comes. */
const mostWaiting = 4096;

/**
 * What was observed at ports as packets of a capture: interfaces are ports, comments say what became of the packet, or
 * where one that leaves came in.
 */
export async function* capturePackets(
  observation: AsyncIterable<ObservedPacket>,
  ports: readonly TappedPort[],
): AsyncGenerator<CapturedPacket> {
  const joiner = new Joiner(ports);
  for await (const observed of observation) yield* joiner.take(observed);
  yield* joiner.rest();
}

/** The same as a pcapng file, piece by piece; the last one says how many packets were lost. */
export async function* capturePcapng(
  observation: Observation,
  ports: readonly TappedPort[],
  most = Number.POSITIVE_INFINITY,
): AsyncGenerator<Uint8Array> {
  const writer = new PcapngWriter();
  let count = 0;
  yield writer.header();
  for await (const packet of capturePackets(observation, ports)) {
    yield writer.packet(packet);
    if (++count >= most) break;
  }
  const end = writer.drops(observation.lost, BigInt(Date.now()) * 1_000_000n);
  if (end.length > 0) yield end;
}

/** Brings together packets that came in with their verdicts. */
class Joiner {
  readonly #ports: readonly TappedPort[];
  readonly #waiting = new Map<bigint, ObservedPacket>();

  constructor(ports: readonly TappedPort[]) {
    this.#ports = ports;
  }

  *take(observed: ObservedPacket): Generator<CapturedPacket> {
    const { id, outcome } = observed;
    if (outcome.kind === "in") {
      this.#waiting.set(id, observed);
      if (this.#waiting.size <= mostWaiting) return;
      const [oldest] = this.#waiting;
      this.#waiting.delete(oldest![0]);
      yield captured(oldest![1], "in", undefined);
      return;
    }
    // The drop that follows says more.
    if (outcome.kind === "out" && outcome.to === "nothing") return;
    const before = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (before) yield captured(before, "in", outcomeText(outcome));
    else if (outcome.kind === "drop") yield captured(observed, "in", outcomeText(outcome));
    yield* this.#leaving(observed, outcome);
  }

  /** What came in when the end was near. */
  *rest(): Generator<CapturedPacket> {
    for (const observed of this.#waiting.values()) yield captured(observed, "in", undefined);
  }

  *#leaving(observed: ObservedPacket, outcome: Outcome): Generator<CapturedPacket> {
    const { instance, port } = observed;
    const comment = `came in on ${instance}.${port}`;
    if (outcome.kind === "out" && this.#wants(instance, outcome.port)) {
      yield captured({ ...observed, port: outcome.port }, "out", comment);
    }
    if (outcome.kind !== "flood") return;
    for (const to of outcome.ports) {
      if (!this.#wants(instance, to.port)) continue;
      const copy = { ...observed, port: to.port };
      const tagged = to.tag === undefined ? copy : withTagOf(copy, to.tag);
      yield captured(tagged, "out", `${comment}; a copy for group ${outcome.group}`);
    }
  }

  #wants(instance: string, port: string): boolean {
    return this.#ports.some(
      (one) => one.instance === instance && (one.port ?? port) === port && one.what.includes("out"),
    );
  }
}

function withTagOf(packet: ObservedPacket, tag: number): ObservedPacket {
  const bytes = withTagBeside(packet.bytes, tagNumber(tag, tagProtocols.customer));
  return { ...packet, bytes, length: packet.length + bytes.length - packet.bytes.length };
}

function captured(packet: ObservedPacket, direction: "in" | "out", comment: string | undefined): CapturedPacket {
  return {
    timestamp: packet.timestamp,
    bytes: packet.bytes,
    originalLength: packet.length,
    linkType: linkTypes.ethernet,
    interface: `${packet.instance}.${packet.port}`,
    direction,
    ...(comment === undefined ? {} : { comment }),
  };
}
