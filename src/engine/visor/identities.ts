import type { RuleShape } from "../../compiler/match/rule-data.ts";
import { IovisorError } from "../../errors.ts";
import type { TableSizes } from "../pipeline/tables.ts";

/** Where an instance's ports and reasons are in the tables of the data path. */
export interface InstanceIdentity {
  readonly id: number;
  readonly firstPort: number;
  /** How many ports there is room for. */
  readonly portRoom: number;
  readonly firstReason: number;
  readonly reasonRoom: number;
  /** Numbers of ports by name. A port keeps its number while it exists: state refers to it. */
  readonly ports: Readonly<Record<string, number>>;
  /** Shapes of its maps of rules, by setting: kept while the rules fit, so that the program is kept. */
  readonly rules?: Readonly<Record<string, RuleShape>>;
}

/** All numbers that a data path has given out. Plain data: the store keeps it from one revision to the next. */
export interface Identities {
  readonly instances: Readonly<Record<string, InstanceIdentity>>;
  /** Places in the array of slots, by pipeline. */
  readonly slots: Readonly<Record<string, number>>;
  /** Entries on hooks of devices, by `Entry.key`. */
  readonly entries: Readonly<Record<string, number>>;
}

export const noIdentities: Identities = { instances: {}, slots: {}, entries: {} };

/** What an instance needs numbers for. */
export interface Claim {
  readonly instance: string;
  /** Its ports, in the graph's order. */
  readonly ports: readonly string[];
  readonly portRoom: number;
  readonly reasonRoom: number;
}

/**
 * Numbers for the instances of a graph: those that were there keep theirs, new ones get the lowest that are free.
 *
 * @throws E_USAGE when a table is too small.
 */
export function identifyInstances(
  before: Identities["instances"],
  claims: readonly Claim[],
  sizes: TableSizes,
): Readonly<Record<string, InstanceIdentity>> {
  const known = new Map(claims.map((claim) => [claim, fitting(before[claim.instance], claim)]));
  const kept = [...known.values()].filter((one) => one !== undefined);
  const ids = new Ranges(kept.map(({ id }) => [id, 1]));
  const ports = new Ranges(kept.map(({ firstPort, portRoom }) => [firstPort, portRoom]));
  const reasons = new Ranges(kept.map(({ firstReason, reasonRoom }) => [firstReason, reasonRoom]));
  return Object.fromEntries(
    claims.map((claim) => {
      const old = known.get(claim);
      if (old) return [claim.instance, { ...old, ports: numberPorts(old.ports, claim.ports) }];
      const { portRoom, reasonRoom } = claim;
      const identity: InstanceIdentity = {
        id: ids.take(1, 4096, "instances"),
        firstPort: ports.take(portRoom, sizes.ports, "ports"),
        portRoom,
        firstReason: reasons.take(reasonRoom, sizes.reasons, "drop reasons"),
        reasonRoom,
        ports: numberPorts({}, claim.ports),
      };
      return [claim.instance, identity];
    }),
  );
}

/** The numbers of an instance that was there, unless it became larger than its room. */
function fitting(old: InstanceIdentity | undefined, claim: Claim): InstanceIdentity | undefined {
  return old && old.portRoom === claim.portRoom && old.reasonRoom === claim.reasonRoom ? old : undefined;
}

function numberPorts(before: Readonly<Record<string, number>>, names: readonly string[]): Record<string, number> {
  const kept = names.filter((name) => Object.hasOwn(before, name));
  const taken = new Ranges(kept.map((name) => [before[name]!, 1]));
  return Object.fromEntries(names.map((name) => [name, before[name] ?? taken.take(1, names.length + 65536, "ports")]));
}

/**
 * Numbers for entries: those that were there keep theirs. New ones get such that are nobody's in the revision before,
 * while there is room: its hooks are at work until it is cleared away. @throws E_USAGE
 */
export function numberEntries(
  before: Readonly<Record<string, number>>,
  keys: readonly string[],
  sizes: TableSizes,
): Readonly<Record<string, number>> {
  const all = new Set([...Object.keys(before), ...keys]);
  const held = all.size <= sizes.entries ? Object.keys(before) : keys.filter((key) => Object.hasOwn(before, key));
  const taken = new Ranges(held.map((key) => [before[key]!, 1]));
  return Object.fromEntries(keys.map((key) => [key, before[key] ?? taken.take(1, sizes.entries, "devices")]));
}

/** Places for pipelines: those that were there keep theirs. @throws E_USAGE */
export function placePipelines(
  before: Readonly<Record<string, number>>,
  keys: readonly string[],
  sizes: TableSizes,
): Readonly<Record<string, number>> {
  const kept = keys.filter((key) => Object.hasOwn(before, key));
  // Place 0 is nobody's: entries that lead nowhere name it.
  const taken = new Ranges([[0, 1], ...kept.map((key) => [before[key]!, 1] as const)]);
  return Object.fromEntries(keys.map((key) => [key, before[key] ?? taken.take(1, sizes.pipelines, "pipelines")]));
}

/** Numbers in use, as ranges; gives out the lowest free ones. */
class Ranges {
  #taken: (readonly [start: number, length: number])[];

  constructor(taken: readonly (readonly [number, number])[]) {
    this.#taken = [...taken].sort(([left], [right]) => left - right);
  }

  take(length: number, limit: number, what: string): number {
    let start = 0;
    let index = 0;
    for (; index < this.#taken.length; index++) {
      const [used, size] = this.#taken[index]!;
      if (start + length <= used) break;
      start = Math.max(start, used + size);
    }
    if (start + length > limit) {
      throw new IovisorError("E_USAGE", `the data path has room for ${limit} ${what}`, "make the graph smaller");
    }
    this.#taken.splice(index, 0, [start, length]);
    return start;
  }
}
