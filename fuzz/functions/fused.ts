/** Random chains of functions as the product composes them, against their models behind one another. */
import { isDeepStrictEqual } from "node:util";
import { pipelineKey } from "../../src/engine/pipeline/cut.ts";
import { groupKey, innerPorts } from "../../src/engine/pipeline/flood.ts";
import { reasonsOf } from "../../src/engine/pipeline/reasons.ts";
import type { PipelineHook } from "../../src/engine/pipeline/topology.ts";
import * as router from "../../src/functions/router/random.ts";
import * as bridge from "../../src/functions/switch/random.ts";
import { hex, print } from "./frames.ts";
import { firstDevice, groupsOf, randomArrival, randomChain } from "./fused-chain.ts";
import { type Expected, follow, ticksPerSecond } from "./fused-models.ts";
import type { Ending, FusedWitness } from "./fused-witness.ts";
import { checksumFault } from "./router.ts";
import { type Arrival, onWire } from "./witness.ts";

export interface FusedCase {
  readonly seed: number;
  readonly frames: number;
  readonly hook: PipelineHook;
}

export interface FusedReport {
  readonly failure: string | undefined;
  readonly chain: string;
  /** How often each end came, and how often a packet met so many functions. */
  readonly outcomes: Readonly<Record<string, number>>;
}

/** The end as text, the same for a model and a witness where they agree. */
function expectedText({ link, decided }: Expected): unknown {
  const { node } = link;
  switch (decided.kind) {
    case "drop":
      return "dropped";
    case "punt":
      return `punt ${node.instance} ${decided.reason}`;
    case "forward":
      return node.peers[decided.port]?.kind === "port"
        ? "dropped"
        : `device ${node.firstPort + decided.port} ${hex(decided.frame)}`;
    case "flood":
      return copiesText([...decided.copies].map(([port, frame]) => [node.firstPort + port, frame]));
  }
}

function copiesText(copies: readonly (readonly [number, Uint8Array])[]): unknown {
  if (copies.length === 0) return "dropped";
  return [...copies].sort(([a], [b]) => a - b).map(([port, frame]) => `copy ${port} ${hex(frame)}`);
}

function gotText(ending: Ending, { link, port }: Expected, stageOf: (instance: string) => readonly number[]): unknown {
  const { node } = link;
  switch (ending.kind) {
    case "dropped":
    case "toHost":
      return ending.kind;
    case "device":
      return `device ${ending.argument >> 1} ${hex(ending.frame)}`;
    case "punt": {
      const { puntReasons } = link.module.interface!;
      const [id, from, reason] = [ending.argument >> 16, (ending.argument >> 8) & 0xff, ending.argument & 0xff];
      return id === node.id && from === port ? `punt ${node.instance} ${puntReasons[reason]?.name}` : "punt elsewhere";
    }
    case "copies":
      return copiesText(
        ending.copies.map(({ device, frame }) => {
          const place = device - firstDevice;
          const goesOn = node.peers[place - node.firstPort]?.kind === "port";
          return [place, goesOn ? withoutRecirculation(frame, place) : frame] as const;
        }),
      );
    case "broadcast": {
      const group = groupsOf(link).find((one) => {
        const variant = stageOf(node.instance).indexOf(port) + 1;
        return groupKey(0, node.id, one.group, variant) === ending.argument;
      });
      const others = group?.members.filter((member) => member.port !== port) ?? [];
      const isTagged = group?.members.some(({ tagged }) => tagged) ?? false;
      const bare = isTagged
        ? Uint8Array.of(...ending.frame.subarray(0, 12), ...ending.frame.subarray(16))
        : ending.frame;
      return copiesText(others.map(({ port: to, tagged }) => [node.firstPort + to, tagged ? ending.frame : bare]));
    }
  }
}

/** The outermost tag says where it goes on, and is no part of the packet. */
function withoutRecirculation(frame: Uint8Array, place: number): Uint8Array {
  const tag = new DataView(frame.buffer, frame.byteOffset).getUint32(12);
  if (tag !== 0x8100_0000 + place) return frame;
  return Uint8Array.of(...frame.subarray(0, 12), ...frame.subarray(16));
}

/** Runs a case; says what differed first. */
export async function runFusedCase(options: FusedCase, witnesses: readonly FusedWitness[]): Promise<FusedReport> {
  const { hook, seed } = options;
  const random = new bridge.Random(seed);
  const numbers = new router.Random(seed);
  const chain = await randomChain(random, hook);
  const { slots, placed } = chain.compose();
  for (const witness of witnesses) witness.configure(placed, chain.tables);
  const shortest = Math.max(...witnesses.map((witness) => witness.shortest));
  const outcomes: Record<string, number> = {};
  const drops: Record<number, number> = {};
  const text = [...chain.links.keys()].join(" - ");
  const stageOf = (instance: string): readonly number[] => {
    const { peers } = chain.links.get(instance)!.node;
    return innerPorts({
      exits: peers.map((peer) => ({ kind: peer?.kind === "port" ? "pipeline" : "device" }) as never),
    });
  };
  let ticks = 4_294_900_000n;
  const waiting: { readonly instance: string; readonly arrival: Arrival; readonly copies: number }[] = [];
  for (let index = 0; index < options.frames; index++) {
    if (waiting.length === 0) {
      ticks += bridge.randomPause(random, ticksPerSecond);
      waiting.push({ ...randomArrival(random, numbers, chain, { hook, ticks, shortest }), copies: 0 });
    }
    const { instance, arrival, copies } = waiting.shift()!;
    const expected = follow(chain.links, instance, { ...arrival, frame: onWire(arrival.frame, arrival.tag) });
    note(expected, { outcomes, drops, hook });
    const slot = slots.get(pipelineKey(hook, instance))!;
    for (const witness of witnesses) {
      const failure = differs(witness, witness.enter(slot, arrival), expected, { stageOf, arrival });
      if (!failure) continue;
      const where = `seed ${seed} at ${hook}, ${text}, frame ${index} into ${instance} port ${arrival.port}`;
      return { failure: `${where}: ${failure}\n${hex(onWire(arrival.frame, arrival.tag))}`, chain: text, outcomes };
    }
    // Floods make floods: each line of copies ends after three, so that new frames come.
    if (copies < 3)
      waiting.push(...copiesThatGoOn(expected, { arrival, shortest }).map((one) => ({ ...one, copies: copies + 1 })));
  }
  for (const witness of witnesses)
    if (!isDeepStrictEqual(witness.drops(), drops)) {
      const failure = `seed ${seed} at ${hook}, ${text}: ${witness.name} counted ${JSON.stringify(witness.drops())}`;
      return { failure: `${failure}, the models ${JSON.stringify(drops)}`, chain: text, outcomes };
    }
  return { failure: undefined, chain: text, outcomes };
}

function note(
  { link, decided, met }: Expected,
  seen: {
    readonly outcomes: Record<string, number>;
    readonly drops: Record<number, number>;
    readonly hook: PipelineHook;
  },
): void {
  const count = (name: string): void => void (seen.outcomes[name] = (seen.outcomes[name] ?? 0) + 1);
  count(decided.kind);
  count(`met ${met}`);
  const reasons = reasonsOf(link.module);
  const drop = (name: string): void => {
    const identity = link.node.firstReason + reasons.findIndex((reason) => reason.name === name);
    seen.drops[identity] = (seen.drops[identity] ?? 0) + 1;
  };
  if (decided.kind === "drop") drop(decided.reason);
  if (decided.kind === "forward" && link.node.peers[decided.port]?.kind === "port") drop("tooManyHops");
}

function copiesThatGoOn(
  { link, decided }: Expected,
  { arrival, shortest }: { readonly arrival: Arrival; readonly shortest: number },
): readonly { readonly instance: string; readonly arrival: Arrival }[] {
  if (decided.kind !== "flood") return [];
  return [...decided.copies].flatMap(([port, frame]) => {
    const peer = link.node.peers[port];
    if (peer?.kind !== "port" || frame.length < shortest) return [];
    return [{ instance: peer.instance, arrival: { ...arrival, port: peer.port, frame, tag: undefined } }];
  });
}

function differs(
  witness: FusedWitness,
  ending: Ending,
  expected: Expected,
  { stageOf, arrival }: { readonly stageOf: (instance: string) => readonly number[]; readonly arrival: Arrival },
): string | undefined {
  const [got, wanted] = [gotText(ending, expected, stageOf), expectedText(expected)];
  if (!isDeepStrictEqual(got, wanted))
    return `${witness.name}: ${JSON.stringify(got)}\n the models: ${JSON.stringify(wanted)}`;
  if (ending.kind === "device") {
    const fault = checksumFault(untagged(onWire(arrival.frame, arrival.tag)), untagged(ending.frame));
    if (fault) return `${witness.name}: ${fault}: ${hex(ending.frame)}`;
  }
  for (const [instance, marks] of expected.read) {
    const [, noted] = witness.entries(`${instance}_noted`)[0]!;
    const read = { ...(noted as object), flag: (noted as { readonly flag?: number }).flag === 1 };
    const { flag, byte, zone, word, deep } = marks;
    if (!isDeepStrictEqual(read, { deep, word, zone, byte, flag }))
      return `${witness.name}: ${instance} read ${print(read)}, in the models ${print(marks)}`;
  }
  return undefined;
}

function untagged(frame: Uint8Array): Uint8Array {
  const isTagged = (frame[12] === 0x81 && frame[13] === 0) || (frame[12] === 0x88 && frame[13] === 0xa8);
  return isTagged ? untagged(Uint8Array.of(...frame.subarray(0, 12), ...frame.subarray(16))) : frame;
}
