import { NetworkNamespace } from "../../kernel/namespaces.ts";
import { DataPath } from "../datapath/data-path.ts";
import { compileComposed } from "../datapath/load-composed.ts";
import type { TableSizes } from "../pipeline/tables.ts";
import { TooMuchWork } from "../pipeline/work.ts";
import { type PlannedAction, plannedActions } from "./actions.ts";
import { Attachments } from "./attachments.ts";
import type { Need } from "./device-needs.ts";
import { HiddenPairs } from "./hidden-pairs.ts";
import type { HostHealth } from "./host-health.ts";
import { HostRuntime, type HostRuntimeOptions, type OnHostFailure } from "./host-runtime.ts";
import { noIdentities } from "./identities.ts";
import { Leftovers } from "./leftovers.ts";
import { LiveWriters, type OwnWriter } from "./live-writers.ts";
import type { Model, NumberedInstance } from "./model.ts";
import { lookAhead, mendDevices, putBack } from "./preflight.ts";
import { type Prepared, Workshop } from "./prepare.ts";
import type { DataPathRecord } from "./record.ts";
import { RuleMaps, type RuleMark } from "./rule-maps.ts";
import { type StagedRuleChange, stageInPlace } from "./rules-only.ts";
import { TapSet } from "./taps.ts";
import { adoptMaps, floodGroups, type LiveState, noGroups, type StagedRevision, Transaction } from "./transaction.ts";

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
  /** What `mendDevices` is to look at; notes of the last apply; what was noted so far is told once. */
  #toMend: readonly Need[] = [];
  #notes: readonly string[] = [];
  #told: readonly string[] = [];
  readonly #leftovers: Leftovers;
  #rehearsals = 0;
  /** What is known by its record alone: a revision that packets meet, or the state that one left. */
  #held: "live" | "state" | undefined;

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
      recovered: options.recovered ?? (() => undefined),
    });
    this.#live = {
      record: { ...emptyRecord, generation: this.dataPath.generation.value },
      maps: new Map(),
      groups: noGroups,
      needs: [],
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
   * @param onHostFailure of host sides that are new or have changed: "throw" makes the apply fail.
   * @throws whatever the kernel has against it, E_HOST_SIDE; then the revision before is live as it was.
   */
  async apply(
    prepared: Prepared,
    intend: Intend = async () => undefined,
    onHostFailure: OnHostFailure = "throw",
  ): Promise<ApplyReport> {
    const held = this.#held;
    if (!held) return await this.#apply(prepared, intend, onHostFailure);
    this.#open(prepared);
    try {
      const report = await this.#apply(prepared, intend, onHostFailure);
      const back = this.#back;
      this.#back = () => {
        back?.();
        this.#holdAgain(held);
      };
      return report;
    } catch (error) {
      this.#holdAgain(held);
      throw error;
    }
  }

  async #apply(prepared: Prepared, intend: Intend, onHostFailure: OnHostFailure): Promise<ApplyReport> {
    const staged = stageInPlace(this.#live, prepared, { rules: this.#ruleMaps, writers: this.#writers });
    const report = staged
      ? await this.#applyInPlace(staged, prepared, intend)
      : await this.#applyWhole(prepared, intend);
    try {
      this.#hosts.follow(this.#prepared!, this.#live.maps, onHostFailure);
    } catch (error) {
      this.revert();
      throw error;
    }
    return report;
  }

  /** How the host sides fare, by instance. */
  get hostSides(): ReadonlyMap<string, HostHealth> {
    return this.#hosts.health();
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
      this.#toMend = [];
      this.#return(before, beforePrepared);
    };
    const { loaded, renewed, devices } = staged;
    this.#toMend = devices.known;
    this.#notes = devices.notes;
    this.#told = [...this.#told, ...devices.notes];
    return this.#went(fitting, staged.live, { loaded, renewed, warnings: devices.warnings });
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
    if (prepared) this.#hosts.follow(prepared, live.maps, "retry");
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
    const loaded = new Set(did.loaded);
    const kept = prepared.pipelines.map(({ key }) => key).filter((key) => !loaded.has(key));
    return { loaded: did.loaded, kept, renewed: did.renewed, warnings: did.warnings };
  }

  /**
   * Takes note of what a process before left in the kernel, as its record says, without its functions: packets go their
   * ways, and an apply takes its place. Attachments that are gone are made anew by that. Where packets do not meet the
   * revision of the record (any more), only its numbers and what holds state are of use; of what a reboot ended nothing
   * is found.
   */
  hold(record: DataPathRecord): void {
    this.#workshop.adopt(record.workFactors ?? {});
    const { generation } = this.#live.record;
    const { identities, nextMap, remedies, maps } = record;
    const isLive = record.generation === generation;
    const known = isLive
      ? { ...record, attachments: record.attachments.filter((one) => this.#attachments.adopt(one)) }
      : { ...emptyRecord, generation, identities, nextMap, remedies, maps };
    this.#live = { record: known, maps: new Map(), groups: noGroups, needs: [] };
    this.#held = isLive ? "live" : "state";
  }

  /** Takes over what is held, with its functions. Does nothing where that was done. */
  adopt(model: Model): void {
    const held = this.#held;
    if (!held) return;
    const prepared = this.#workshop.prepare(model, this.#live.record.identities, this.dataPath.sizes);
    this.#open(prepared);
    if (held === "state") return;
    this.#live = { ...this.#live, groups: floodGroups(prepared) };
    this.#hosts.follow(prepared, this.#live.maps, "retry");
  }

  /** Opens what is held: maps by the declarations that there are now. */
  #open(prepared: Prepared): void {
    const { record } = this.#live;
    // A pair went with its namespace.
    const there = new Set([undefined, ...NetworkNamespace.list()]);
    for (const pair of record.pairs) if (there.has(pair.netns)) this.#pairs.ensure(pair);
    const maps = adoptMaps(record, prepared, this.dataPath.pins);
    // Devices may have changed while nobody was here: the next apply looks at all of them.
    this.#live = { record, maps, groups: noGroups, needs: [] };
    this.#ruleMaps.follow(maps);
    // Where the process before died between its commit and its clearing away, that is done now. What it staged may be
    // in the groups of the other parity.
    if (this.#held === "live") this.#unsettled = this.#live;
    this.#held = undefined;
  }

  /** An apply failed that had opened what is held: the next one may be of other functions. */
  #holdAgain(held: "live" | "state"): void {
    for (const own of this.#live.maps.values()) for (const { map } of own.values()) map.close();
    this.#live = { ...this.#live, maps: new Map(), groups: noGroups, needs: [] };
    this.#ruleMaps.follow(this.#live.maps);
    this.#unsettled = undefined;
    this.#held = held;
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

  /**
   * Looks at the devices that the last apply found in use, and puts right what others changed there: it need not keep
   * the apply waiting. The apply is settled then.
   *
   * @param record makes the record durable, before a device is touched
   * @returns what was changed, and what cannot be made sure of since
   */
  async mendDevices(record: (record: DataPathRecord) => Promise<void>): Promise<readonly string[]> {
    this.settle();
    this.#back = undefined;
    const needs = this.#toMend;
    this.#toMend = [];
    const { changes, notes } = await mendDevices(needs, this.#live.record.remedies, async (remedies) => {
      this.#live = { ...this.#live, record: { ...this.#live.record, remedies } };
      await record(this.#live.record);
    });
    const news = notes.filter((note) => !this.#told.includes(note));
    this.#told = [...this.#notes, ...notes];
    return [...changes, ...news];
  }

  /** What keeps the live contents of an instance of the live revision, and what the kernel's word says. */
  live(instance: NumberedInstance): (OwnWriter & { readonly word: number }) | undefined {
    const own = this.#writers.of(instance);
    const word = own && this.map(instance.model.name, own.contents.word)?.map.lookup(new Uint8Array(4));
    return own && word && { ...own, word: new DataView(word.buffer, word.byteOffset).getUint32(0, true) };
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
    this.#toMend = [];
    this.#live = { ...this.#live, record: { ...this.#live.record, remedies: [] }, needs: [] };
  }

  /** Takes everything away. */
  remove(): void {
    this.detachAll();
    this[Symbol.dispose]();
    this.dataPath.pins.removeAll();
  }
}
