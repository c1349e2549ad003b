/** The switch against its model: random configurations that change under way, and frames. */
import { isDeepStrictEqual } from "node:util";
import { isTagProtocol, tagProtocols } from "../../src/compiler/hir/tag-protocols.ts";
import type { Module } from "../../src/compiler/hir/tree.ts";
import type { HostSide, InstanceView } from "../../src/engine/host/host-side.ts";
import { tagNumber, withTagBeside } from "../../src/engine/pipeline/tag-beside.ts";
import type { PipelineHook } from "../../src/engine/pipeline/topology.ts";
import { prepareModule } from "../../src/engine/prepare.ts";
import { compileSource } from "../../src/engine/source.ts";
import { identityOf } from "../../src/functions/switch/configuration.ts";
import host from "../../src/functions/switch/host.ts";
import { type ModelOutcome, portKey, SwitchModel } from "../../src/functions/switch/model.ts";
import { Random, randomFrame, randomPause, randomSwitch } from "../../src/functions/switch/random.ts";
import { arrivesAs, hex, print } from "./frames.ts";
import { type Arrival, type Decision, onWire, type Subject, type Witness } from "./witness.ts";

const ticksPerSecond = 250;

export interface SwitchCase {
  readonly seed: number;
  readonly frames: number;
  readonly hook: PipelineHook;
  /** How often the configuration changes. */
  readonly changes: number;
}

let compiled: Module | undefined;

export async function switchModule(): Promise<Module> {
  compiled ??= (await compileSource(new URL("../../src/functions/switch/kernel.ts", import.meta.url))).module;
  return compiled;
}

export function subjectOf(module: Module, side: HostSide, view: InstanceView): Subject {
  const declared = new Set(module.settings.map(({ name }) => name));
  const own = Object.entries(view.config).filter(([name]) => declared.has(name));
  const settings = { ...Object.fromEntries(own), ...side.settings?.(view), ticksPerSecond };
  return { module: prepareModule(module, settings as never).module, tables: side.tables?.(view) ?? {} };
}

/** What makes outcomes comparable: names of reasons, copies by port as they are on the wire. */
function outcomeOf(decision: Decision, arrival: Arrival, view: InstanceView, module: Module): ModelOutcome | string {
  switch (decision.kind) {
    case "drop":
      return { kind: "dropped", reason: module.interface!.dropReasons[decision.reason - 1]?.name ?? "unspecified" };
    case "forward":
      return { kind: "sent", flooded: false, copies: new Map([[decision.port, decision.frame]]) };
    case "flood": {
      const group = host.floodGroups!(view).find((one) => one.group === decision.group);
      const others = group?.members.filter(({ port }) => port !== arrival.port) ?? [];
      const copies = others.map(({ port, tagged }) => {
        return [port, tagged ? tagged8021q(decision.frame, decision.tagControl) : decision.frame] as const;
      });
      return { kind: "sent", flooded: true, copies: new Map(copies) };
    }
    case "punt":
    case "other":
      return "no verdict of a switch";
  }
}

function tagged8021q(frame: Uint8Array, control: number): Uint8Array {
  return withTagBeside(frame, tagNumber(control, tagProtocols.customer));
}

function tagsOf(frame: Uint8Array): string {
  const type = (at: number): number => ((frame[at] ?? 0) << 8) | (frame[at + 1] ?? 0);
  if (type(12) === tagProtocols.service) return "service tag";
  if (type(12) !== tagProtocols.customer) return "untagged";
  return isTagProtocol(type(16)) ? "two tags" : "tag";
}

function comparable(outcome: ModelOutcome | string): unknown {
  if (typeof outcome === "string" || outcome.kind === "dropped") return outcome;
  const copies = [...outcome.copies].sort(([a], [b]) => a - b).map(([port, bytes]) => [port, hex(bytes)]);
  return { ...outcome, copies };
}

interface LearnedEntry {
  readonly seen: bigint;
  readonly port: number;
  readonly moves: number;
}

/** What a witness learned, as the model has it. */
function learnedBy(witness: Witness): unknown {
  const rows = witness.entries("fdb").map(([key, value]) => {
    const { mac, vlan } = key as { readonly mac: Uint8Array; readonly vlan: number };
    return [`${hex(mac)}/${vlan}`, { ...(value as unknown as LearnedEntry) }] as const;
  });
  return Object.fromEntries(rows.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function learnedByModel(model: SwitchModel): unknown {
  const rows = [...model.stations.values()].map(({ mac, vlan, port, seen, moves }) => {
    const [number = "", name = ""] = port.split(" ");
    const identity = identityOf({ number: Number(number), name });
    return [`${mac.replaceAll(":", "")}/${vlan}`, { seen, port: identity, moves }] as const;
  });
  return Object.fromEntries(rows.sort(([a], [b]) => (a < b ? -1 : 1)));
}

export interface SwitchReport {
  readonly failure: string | undefined;
  /** How often each outcome came. */
  readonly outcomes: Readonly<Record<string, number>>;
}

/** Runs a case; says what differed first. */
export function runSwitchCase(options: SwitchCase, module: Module, witnesses: readonly Witness[]): SwitchReport {
  const random = new Random(options.seed);
  let view = randomSwitch(random);
  const model = new SwitchModel(view, ticksPerSecond);
  const outcomes: Record<string, number> = {};
  const shortest = Math.max(...witnesses.map((witness) => witness.shortest));
  let ticks = 4_294_900_000n;
  const perConfiguration = Math.ceil(options.frames / (options.changes + 1));
  for (let index = 0; index < options.frames; index++) {
    if (index % perConfiguration === 0) {
      if (index > 0) view = changed(view, random);
      model.configure(view);
      for (const witness of witnesses) witness.configure(subjectOf(module, host, view));
    }
    ticks += randomPause(random, ticksPerSecond);
    const port = random.chance(98) ? random.pick(view.ports).number : random.below(64);
    const made = randomFrame(random, port);
    const arrival: Arrival = { port, ticks, ...arrivesAs(made, { hook: options.hook, shortest, random }) };
    const expected = model.receive(port, onWire(arrival.frame, arrival.tag), ticks);
    const name = expected.kind === "dropped" ? expected.reason : expected.flooded ? "flooded" : "forwarded";
    for (const one of [name, `${name} ${tagsOf(made)}`]) outcomes[one] = (outcomes[one] ?? 0) + 1;
    for (const witness of witnesses) {
      const got = outcomeOf(witness.run(arrival), arrival, view, module);
      const failure = difference(witness, { expected, got, model });
      if (failure) return { failure: describe(options, { index, arrival, view, failure }), outcomes };
    }
  }
  return { failure: undefined, outcomes };
}

/** Other ports and settings, the same ports set up otherwise, or only other settings. */
function changed(view: InstanceView, random: Random): InstanceView {
  const other = randomSwitch(random);
  if (random.chance(40)) return other;
  const config = { ...other.config, static: [] };
  if (random.chance(40)) return { ...view, config };
  const ports = view.ports.map((port) => ({ ...port, config: random.pick(other.ports).config }));
  return { ...view, ports, config };
}

function difference(
  witness: Witness,
  seen: { readonly expected: ModelOutcome; readonly got: ModelOutcome | string; readonly model: SwitchModel },
): string | undefined {
  const [expected, got] = [comparable(seen.expected), comparable(seen.got)];
  if (!isDeepStrictEqual(expected, got))
    return `${witness.name}: ${JSON.stringify(got)}, the model: ${JSON.stringify(expected)}`;
  const [learned, model] = [learnedBy(witness), learnedByModel(seen.model)];
  if (isDeepStrictEqual(learned, model)) return undefined;
  return `${witness.name} learned ${print(learned)}, the model ${print(model)}`;
}

function describe(
  { seed, hook }: SwitchCase,
  seen: {
    readonly index: number;
    readonly arrival: Arrival;
    readonly view: InstanceView;
    readonly failure: string;
  },
): string {
  const { port, ticks, frame, tag } = seen.arrival;
  const beside = tag === undefined ? "" : ` with tag ${tag} beside it`;
  return [
    `seed ${seed} at ${hook}, frame ${seen.index}: ${seen.failure}`,
    `port ${port} at tick ${ticks}: ${hex(frame)}${beside}`,
    print({ config: seen.view.config, ports: seen.view.ports.map((one) => [portKey(one), one.config, one.linked]) }),
  ].join("\n");
}
