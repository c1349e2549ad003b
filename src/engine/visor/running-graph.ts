import { DataPath } from "../datapath/data-path.ts";
import { compileComposed } from "../datapath/load-composed.ts";
import type { TableSizes } from "../pipeline/tables.ts";
import { TooMuchWork } from "../pipeline/work.ts";
import { type PlannedAction, plannedActions } from "./actions.ts";
import { Attachments } from "./attachments.ts";
import { HiddenPairs } from "./hidden-pairs.ts";
import { HostRuntime, type HostRuntimeOptions } from "./host-runtime.ts";
import { noIdentities } from "./identities.ts";
import { Leftovers } from "./leftovers.ts";
import { LiveWriters } from "./live-writers.ts";
import type { Model } from "./model.ts";
import { lookAhead, putBack } from "./preflight.ts";
import { type Prepared, Workshop } from "./prepare.ts";
import type { DataPathRecord } from "./record.ts";
import { RuleMaps, type RuleMark } from "./rule-maps.ts";
import { type StagedRuleChange, stageInPlace } from "./rules-only.ts";
import { TapSet } from "./taps.ts";
import {
  adoptMaps,
  floodGroups,
  type LiveState,
  mapRecords,
  noGroups,
  type StagedRevision,
  Transaction,
} from "./transaction.ts";

/** What an apply did. */
export interface ApplyReport {
  /** Pipelines that were compiled or loaded anew. */
  readonly loaded: readonly string[];
  /** Pipelines that were left as they are. */
  readonly kept: readonly string[];
  /** Maps whose state was lost because their layout changed, with the reason. */
  readonly renewed: ReadonlyMap<string, string>;
  /** What was changed on devices, and what could not be made sure of. */
  readonly warnings: readonly string[];
}

export interface RunningGraphOptions extends Partial<HostRuntimeOptions> {
  readonly sizes?: TableSizes;
}

/** Makes the next record durable. */
export type Intend = (record: DataPathRecord, rules?: RuleMark) => Promise<void>;

/** The record of a data path that has nothing in it. */
export const emptyRecord: DataPathRecord = {
  generation: 0,
  identities: noIdentities,
  pipelines: {},
  maps: {},
  attachments: [],
  devices: [],
  groups: [],
  pairs: [],
  remedies: [],
  nextMap: 0,
};

/** The functions of one graph in the kernel. Closing it leaves them at work; `remove` takes them away. */
export class RunningGraph implements Disposable {
  readonly dataPath: DataPath;
  readonly #attachments: Attachments;
  readonly #pairs: HiddenPairs;
  readonly #workshop = new Workshop();
  readonly #transaction: Transaction;
  /** Who looks at packets at the moment; `prepare` makes them part of the programs. */
  readonly taps = new TapSet();
  readonly #hosts: HostRuntime;
  readonly #ruleMaps = new RuleMaps();
  readonly #writers = new LiveWriters();
  #live: LiveState;
  #prepared: Prepared | undefined;
  #unsettled: LiveState | undefined;
  /** Takes the last apply back. */
  #back: (() => void) | undefined;
  readonly #leftovers: Leftovers;
  #rehearsals = 0;

  constructor(name: string, options: RunningGraphOptions = {}) {
    this.dataPath = new DataPath(name, options.sizes);
    this.#attachments = new Attachments(this.dataPath);
    this.#pairs = new HiddenPairs(this.dataPath, name);
    this.#leftovers = new Leftovers(this.dataPath, name, this.#attachments);
    this.#transaction = new Transaction({
      dataPath: this.dataPath,
      attachments: this.#attachments,
      pairs: this.#pairs,
      workshop: this.#workshop,
      taps: this.taps,
      leftovers: this.#leftovers,
      writers: this.#writers,
    });
    this.#hosts = new HostRuntime(this.dataPath, this.#pairs, {
      writerOf: (instance) => this.#writers.of(instance)?.writer,
      report: options.report ?? (() => undefined),
      failed: options.failed ?? (() => undefined),
    });
    this.#live = {
      record: { ...emptyRecord, generation: this.dataPath.generation.value },
      maps: new Map(),
      groups: noGroups,
    };
  }

  /** The live revision as it was worked out; undefined before the first apply. */
  get prepared(): Prepared | undefined {
    return this.#prepared;
  }

  get record(): DataPathRecord {
    return this.#live.record;
  }

  prepare(model: Model): Prepared {
    return this.#workshop.prepare(model, this.#live.record.identities, this.dataPath.sizes, this.taps.requests);
  }

  /**
   * Takes a prepared revision in place of the one that is live.
   *
   * Where rules that are data are all that changes, one store into their map is the commit; the generation stays.
   *
   * @param intend makes the record durable right before the commit: a process that dies there is followed by one that
   * finds out from the generation, or from the rules' mark, which of the two revisions is live.
   * @throws whatever the kernel has against it; then the revision before is live as it was.
   */
  async apply(prepared: Prepared, intend: Intend = async () => undefined): Promise<ApplyReport> {
    const staged = stageInPlace(this.#live, prepared, { rules: this.#ruleMaps, writers: this.#writers });
    if (staged) return await this.#applyInPlace(staged, prepared, intend);
    return await this.#applyWhole(prepared, intend);
  }

  async #applyInPlace(staged: StagedRuleChange, prepared: Prepared, intend: Intend): Promise<ApplyReport> {
    const [before, beforePrepared] = [this.#live, this.#prepared];
    try {
      await intend(staged.live.record, staged.mark);
    } catch (error) {
      staged.abort();
      throw error;
    }
    staged.commit();
    this.#back = () => {
      staged.revert();
      this.#return(before, beforePrepared);
    };
    return this.#went(prepared, staged.live, { loaded: [], renewed: new Map(), warnings: [] });
  }

  async #applyWhole(prepared: Prepared, intend: Intend): Promise<ApplyReport> {
    this.settle();
    const [before, beforePrepared] = [this.#live, this.#prepared];
    const { staged, prepared: fitting } = this.#stage(before, prepared);
    try {
      await intend(staged.live.record);
    } catch (error) {
      staged.undo.dispose();
      throw error;
    }
    const uncommit = this.#transaction.commit(before, staged);
    this.#unsettled = before;
    this.#back = () => {
      uncommit();
      this.#unsettled = undefined;
      this.#return(before, beforePrepared);
    };
    return this.#went(fitting, staged.live, staged);
  }

  /** Takes the last apply back, as long as it is not settled: packets meet the revision before again. */
  revert(): void {
    const back = this.#back;
    this.#back = undefined;
    back?.();
  }

  #return(live: LiveState, prepared: Prepared | undefined): void {
    this.#live = live;
    this.#prepared = prepared;
    this.#ruleMaps.follow(live.maps);
    this.#writers.turn(prepared?.numbered.instances ?? new Map());
    if (prepared) this.#hosts.follow(prepared, live.maps);
    else this.#hosts.stopAll();
  }

  /** Where the verifier had too much to do for a program, pipelines are cut anew, by what was learned of it. */
  #stage(before: LiveState, wanted: Prepared): { readonly staged: StagedRevision; readonly prepared: Prepared } {
    for (let prepared = wanted; ; prepared = this.prepare(wanted.model)) {
      try {
        return { staged: this.#transaction.stage(before, prepared), prepared };
      } catch (error) {
        if (!(error instanceof TooMuchWork)) throw error;
      }
    }
  }

  /** What follows a commit. */
  #went(prepared: Prepared, live: LiveState, did: Pick<ApplyReport, "loaded" | "renewed" | "warnings">): ApplyReport {
    this.#live = live;
    this.#prepared = prepared;
    this.#ruleMaps.follow(live.maps);
    this.#writers.turn(prepared.numbered.instances);
    this.#workshop.turn(prepared.pipelines);
    this.#hosts.follow(prepared, live.maps);
    const loaded = new Set(did.loaded);
    const kept = prepared.pipelines.map(({ key }) => key).filter((key) => !loaded.has(key));
    return { loaded: did.loaded, kept, renewed: did.renewed, warnings: did.warnings };
  }

  /**
   * Takes over what a process before left in the kernel, as its record says. Attachments that are gone are made anew by
   * the next apply.
   */
  adopt(record: DataPathRecord, model: Model): Prepared {
    this.#workshop.adopt(record.workFactors ?? {});
    const prepared = this.#workshop.prepare(model, record.identities, this.dataPath.sizes);
    const attachments = record.attachments.filter((one) => this.#attachments.adopt(one));
    for (const pair of record.pairs) this.#pairs.ensure(pair);
    const live = { ...record, attachments };
    const maps = adoptMaps(record, prepared, this.dataPath.pins);
    this.#live = { record: live, maps, groups: floodGroups(prepared) };
    this.#ruleMaps.follow(maps);
    // Where the process before died between its commit and its clearing away, that is done now. What it staged may be
    // in the groups of the other parity.
    this.#unsettled = { ...this.#live, groups: noGroups };
    this.#hosts.follow(prepared, this.#live.maps);
    return prepared;
  }

  /**
   * Takes over only what holds state, and the numbers that it speaks of, where packets do not meet the revision of the
   * record (any more). Of what a reboot ended nothing is found.
   */
  adoptState(record: DataPathRecord, model: Model): void {
    this.#workshop.adopt(record.workFactors ?? {});
    const { identities, nextMap, remedies } = record;
    const prepared = this.#workshop.prepare(model, identities, this.dataPath.sizes);
    const maps = adoptMaps(record, prepared, this.dataPath.pins);
    const { generation } = this.#live.record;
    const known = { ...emptyRecord, generation, identities, nextMap, remedies, maps: mapRecords(maps) };
    this.#live = { record: known, maps, groups: noGroups };
    this.#ruleMaps.follow(maps);
  }

  /** Takes away what a process left that died in its first apply: no packet meets any of it. */
  clear(): void {
    this.#leftovers.forgetLinks();
    this.#leftovers.forgetMaps(this.record);
    this.#leftovers.clearTables(this.record);
  }

  /** What an apply of a prepared revision would do. */
  actions(prepared: Prepared): readonly PlannedAction[] {
    return plannedActions(this.#live.record, prepared);
  }

  /**
   * Whether the kernel still has all that the live revision attached and pointed to. A device that moved to another
   * namespace and back has lost its places in device maps, though it is found as before.
   */
  isIntact(): boolean {
    const { attachments, devices } = this.#live.record;
    const { parity } = this.dataPath.generation;
    return (
      attachments.every((record) => this.#attachments.has(record)) &&
      devices.every(({ port, ifindex }) => this.dataPath.devices.get(port, parity) === ifindex)
    );
  }

  /** What an apply of a prepared revision would change on devices, and what it could not make sure of. */
  warnings(prepared: Prepared): readonly string[] {
    return lookAhead(prepared).warnings;
  }

  /**
   * Compiles one of the live pipelines, each in turn, and throws the program away: V8 gets to know the compiler ahead
   * of the next change. False when nothing is live.
   */
  rehearse(): boolean {
    const pipelines = this.#prepared?.pipelines ?? [];
    const planned = pipelines[this.#rehearsals++ % pipelines.length];
    if (planned) compileComposed(planned.compose(), planned.pipeline.hook);
    return planned !== undefined;
  }

  /** Clears away what the last apply replaced. Takes some milliseconds, since packets may still be in it. */
  settle(): void {
    const before = this.#unsettled;
    if (!before) return;
    this.#unsettled = undefined;
    this.#back = undefined;
    this.#transaction.settle(before, this.#live);
  }

  /** A map of an instance. */
  map(instance: string, name: string) {
    return this.#live.maps.get(instance)?.get(name);
  }

  [Symbol.dispose](): void {
    this.#hosts[Symbol.dispose]();
    this.taps[Symbol.dispose]();
    this.#pairs[Symbol.dispose]();
    this.#attachments[Symbol.dispose]();
    const states = this.#unsettled ? [this.#live, this.#unsettled] : [this.#live];
    const maps = new Set(states.flatMap((state) => [...state.maps.values()].flatMap((own) => [...own.values()])));
    for (const { map } of maps) map.close();
    this.dataPath[Symbol.dispose]();
  }

  /** Takes the graph off all hooks. */
  detachAll(): void {
    this.#prepared = undefined;
    for (const { key } of this.#attachments.records()) this.#attachments.remove(key);
    this.#leftovers.removeLinks();
    this.#pairs.keepOnly([]);
    this.#leftovers.removePairs({ pairs: [] });
    putBack(this.#live.record.remedies);
    this.#live = { ...this.#live, record: { ...this.#live.record, remedies: [] } };
  }

  /** Takes everything away. */
  remove(): void {
    this.detachAll();
    this[Symbol.dispose]();
    this.dataPath.pins.removeAll();
  }
}
