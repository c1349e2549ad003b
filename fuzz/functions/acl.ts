/** The access list against its model: random configurations, and frames. */
import type { Module } from "../../src/compiler/hir/tree.ts";
import type { JsonObject } from "../../src/engine/host/host-side.ts";
import type { PipelineHook } from "../../src/engine/pipeline/topology.ts";
import { prepareModule } from "../../src/engine/prepare.ts";
import { compileSource } from "../../src/engine/source.ts";
import host from "../../src/functions/acl/host.ts";
import { AclModel } from "../../src/functions/acl/model.ts";
import { type Numbers, randomAcl, randomFrame } from "../../src/functions/acl/random.ts";
import { BadTerm } from "../../src/functions/acl/terms.ts";
import { Random } from "../../src/functions/switch/random.ts";
import { arrivesAs, hex } from "./frames.ts";
import { type Arrival, type Decision, onWire, type Subject, type Witness } from "./witness.ts";

export interface AclCase {
  readonly seed: number;
  readonly frames: number;
  readonly hook: PipelineHook;
}

export interface AclReport {
  readonly failure: string | undefined;
  /** How often each outcome came. */
  readonly outcomes: Readonly<Record<string, number>>;
}

let compiled: Module | undefined;

export async function aclModule(): Promise<Module> {
  compiled ??= (await compileSource(new URL("../../src/functions/acl/kernel.ts", import.meta.url))).module;
  return compiled;
}

/** The kernel side as the host side sets it up. */
export function aclSubject(module: Module, config: JsonObject): Subject {
  const view = { name: "fw", config, ports: [] };
  return { module: prepareModule(module, host.settings!(view)).module, tables: host.tables!(view) };
}

/** Runs a case; says what differed first. */
export function runAclCase({ seed, frames, hook }: AclCase, module: Module, witnesses: readonly Witness[]): AclReport {
  const random = new Random(seed);
  const config = readableAcl(random);
  const model = new AclModel(config);
  for (const witness of witnesses) witness.configure(aclSubject(module, config));
  const outcomes: Record<string, number> = {};
  const counted = new Map<number, number>();
  const shortest = Math.max(...witnesses.map((witness) => witness.shortest));
  for (let index = 0; index < frames; index++) {
    const made = randomFrame(random);
    const port = random.below(2);
    const arrival: Arrival = { port, ticks: 1n, ...arrivesAs(made, { hook, shortest, random }) };
    const wire = onWire(arrival.frame, arrival.tag);
    const expected = model.decide({ port: arrival.port, bytes: wire });
    for (const rule of expected.rules) counted.set(rule, (counted.get(rule) ?? 0) + 1);
    const name = expected.rules.length > 1 ? `${expected.outcome} after others` : expected.outcome;
    outcomes[name] = (outcomes[name] ?? 0) + 1;
    for (const witness of witnesses) {
      const got = outcomeOf(witness.run(arrival), arrival, module);
      if (got === expected.outcome) continue;
      const place = `seed ${seed} at ${hook}, frame ${index} on port ${arrival.port}`;
      const said = `${witness.name} says ${got}, the model ${expected.outcome} (rules ${expected.rules.join()})`;
      return { failure: `${place}: ${said}\n${hex(wire)}\n${JSON.stringify(config)}`, outcomes };
    }
  }
  return { failure: countersDiffer(witnesses, counted, seed), outcomes };
}

/** A configuration without rules that contradict themselves. */
export function readableAcl(random: Numbers): JsonObject {
  const config = randomAcl(random);
  const rules = (config["rules"] as readonly JsonObject[]).filter((rule) => {
    try {
      return new AclModel({ ...config, rules: [rule] }) !== undefined;
    } catch (error) {
      if (error instanceof BadTerm) return false;
      throw error;
    }
  });
  return { ...config, rules };
}

function outcomeOf(decision: Decision, { port }: Arrival, module: Module): string {
  if (decision.kind === "forward") return decision.port === 1 - port ? "forward" : "forward to where it came from";
  if (decision.kind !== "drop") return decision.kind;
  return module.interface!.dropReasons[decision.reason - 1]?.name ?? "unspecified";
}

/** Counters of rules are per processor: those that run on one can be looked at as a whole. */
function countersDiffer(
  witnesses: readonly Witness[],
  counted: ReadonlyMap<number, number>,
  seed: number,
): string | undefined {
  for (const witness of witnesses) {
    if (witness.name === "kernel") continue;
    for (const [rule, value] of witness.entries("ruleUsage")) {
      const { packets } = value as unknown as { readonly packets: bigint };
      const expected = counted.get(Number(rule)) ?? 0;
      if (Number(packets) !== expected)
        return `seed ${seed}: ${witness.name} counted ${packets} packets for rule ${rule}, the model ${expected}`;
    }
  }
  return undefined;
}
