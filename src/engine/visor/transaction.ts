import { KernelMap } from "../../kernel/maps.ts";
import type { KernelProgram } from "../../kernel/programs.ts";
import type { DataPath } from "../datapath/data-path.ts";
import { loadComposed } from "../datapath/load-composed.ts";
import type { Pins } from "../datapath/pins.ts";
import { pipelineKey, stagesOf } from "../pipeline/cut.ts";
import { type Form, isForSize, loadWithinLimits } from "../within-limits.ts";
import type { AttachmentRecord, Attachments } from "./attachments.ts";
import { type BroadcastGroup, BroadcastTable } from "./broadcasts.ts";
import type { Need } from "./device-needs.ts";
import { FloodTable, innerPortsOf, type PlannedGroup, plannedGroups } from "./floods.ts";
import type { HiddenPairs } from "./hidden-pairs.ts";
import { type InstanceMap, type InstanceMaps, makeInstanceMaps } from "./instance-maps.ts";
import type { Leftovers } from "./leftovers.ts";
import type { LiveWriters } from "./live-writers.ts";
import { hash } from "./model.ts";
import type { PlannedPipeline } from "./pipelines.ts";
import { outdated, type PreparedDevices, prepareDevices, putBack } from "./preflight.ts";
import type { Prepared, Workshop } from "./prepare.ts";
import type { DataPathRecord, GroupRecord, PipelineRecord } from "./record.ts";
import type { TapSet } from "./taps.ts";

interface LoadedPipeline extends Form {
  readonly program: KernelProgram;
}

/** What is in the kernel. */
export interface LiveState {
  readonly record: DataPathRecord;
  /** Maps by instance. */
  readonly maps: ReadonlyMap<string, InstanceMaps>;
  readonly groups: FloodGroups;
  /** What devices must be like, as they were made for it. */
  readonly needs: readonly Need[];
}

/** The groups of all instances, as the two kinds of programs need them. */
export interface FloodGroups {
  readonly tcx: readonly PlannedGroup[];
  /** Only of graphs that have XDP programs. */
  readonly xdp: readonly BroadcastGroup[];
}

export const noGroups: FloodGroups = { tcx: [], xdp: [] };

export function floodGroups(prepared: Prepared): FloodGroups {
  const usesXdp = prepared.pipelines.some(({ pipeline }) => pipeline.hook === "xdp");
  const xdp = plannedGroups(prepared, "xdp").map((group): BroadcastGroup => {
    return { ...group, innerPorts: innerPortsOf(prepared, group.instance) };
  });
  return { tcx: plannedGroups(prepared, "tcx"), xdp: usesXdp ? xdp : [] };
}

/** A revision that is loaded beside the one that is live. Disposing of `undo` takes it away again. */
export interface StagedRevision {
  readonly live: LiveState;
  /** Pipelines whose programs were loaded, by key. */
  readonly loaded: readonly string[];
  /** Maps whose state was lost, "instance.map", with the reason. */
  readonly renewed: ReadonlyMap<string, string>;
  /** How devices were made fit. */
  readonly devices: PreparedDevices;
  readonly undo: DisposableStack;
}

/**
 * Takes a data path from one revision to the next. Everything is made and loaded beside what is live, then one write
 * makes all hooks go over; a failure before that leaves the old revision as it was.
 */
export class Transaction {
  readonly #dataPath: DataPath;
  readonly #attachments: Attachments;
  readonly #pairs: HiddenPairs;
  readonly #workshop: Workshop;
  readonly #floods: FloodTable;
  readonly #broadcasts: BroadcastTable;
  readonly #taps: TapSet;
  readonly #leftovers: Leftovers;
  /** Whether the parity that is not live may have other groups than the live one: a revision was staged there. */
  #staged = false;
  readonly #writers: LiveWriters;

  constructor(parts: {
    readonly dataPath: DataPath;
    readonly attachments: Attachments;
    readonly pairs: HiddenPairs;
    readonly workshop: Workshop;
    readonly taps: TapSet;
    readonly leftovers: Leftovers;
    readonly writers: LiveWriters;
  }) {
    this.#taps = parts.taps;
    this.#leftovers = parts.leftovers;
    this.#writers = parts.writers;
    this.#dataPath = parts.dataPath;
    this.#attachments = parts.attachments;
    this.#pairs = parts.pairs;
    this.#workshop = parts.workshop;
    this.#floods = new FloodTable(parts.dataPath.table("floods"));
    this.#broadcasts = new BroadcastTable(parts.dataPath);
  }

  /**
   * Makes and loads everything of the next revision beside what is live. Nothing that packets meet has changed when it
   * returns; on failure nothing of it is left.
   */
  stage(before: LiveState, next: Prepared): StagedRevision {
    using undo = new DisposableStack();
    const parity = 1 - this.#dataPath.generation.parity;
    const groupsThere = this.#staged ? noGroups : before.groups;
    this.#staged = true;
    this.#leftovers.forgetMaps(before.record);
    let { nextMap } = before.record;
    const { maps, renewed } = this.#makeMaps(before, next, undo, () => nextMap++);
    const pipelines = this.#loadPipelines({ before, next, maps, parity, undo });
    this.#pointEntries(next, parity);
    this.#pointDevices(next, parity);
    this.#makePairs(next, undo);
    const groups = floodGroups(next);
    this.#writeGroups(groupsThere, groups, parity);
    const missing = next.attachments.filter((record) => !this.#attachments.has(record));
    const inForce = { needs: before.needs, remedies: before.record.remedies, missing };
    const devices = prepareDevices(next, inForce, undo);
    this.#attachNew(missing, undo);
    const record: DataPathRecord = {
      generation: this.#dataPath.generation.value + 1,
      identities: next.identities,
      pipelines: pipelines.records,
      maps: mapRecords(maps),
      attachments: next.attachments,
      devices: next.devices,
      groups: groups.tcx.map(({ instance, group }) => {
        return { instance, group, innerPorts: innerPortsOf(next, instance) };
      }),
      pairs: next.pairs,
      remedies: devices.remedies,
      nextMap,
      workFactors: next.workFactors,
    };
    const live = { record, maps, groups, needs: devices.needs };
    return { live, loaded: pipelines.loaded, renewed, devices, undo: undo.move() };
  }

  /** The moment at which all hooks go over to a staged revision. Gives the way back, until it is settled. */
  commit(before: LiveState, staged: StagedRevision): () => void {
    this.#dataPath.commit(staged.live.record.generation);
    const undo = staged.undo.move();
    return () => {
      this.#dataPath.commit(before.record.generation);
      this.#dataPath.waitForPackets();
      undo.dispose();
    };
  }

  /**
   * Clears away what the revision before had and this one does not. Waits for packets that are under way; afterwards
   * both slots of everything are equal, so that the next apply writes only what it changes.
   */
  settle(before: LiveState, live: LiveState): void {
    const wanted = new Set(live.record.attachments.map((one) => one.key));
    for (const { key } of this.#attachments.records()) if (!wanted.has(key)) this.#attachments.remove(key);
    putBack(outdated(before.record.remedies, live.record.remedies));
    this.#dataPath.waitForPackets();
    const { parity } = this.#dataPath.generation;
    this.#settleSlots(before, live, parity);
    for (const entry of Object.values(live.record.identities.entries)) this.#dataPath.entryTargets.copy(entry, parity);
    this.#settleDevices(before, live, parity);
    this.#settleGroups(before, live, parity);
    this.#pairs.keepOnly(live.record.pairs);
    const used = pinsOf(live.record);
    for (const { map, pin } of [...before.maps.values()].flatMap((maps) => [...maps.values()])) {
      if (!used.has(pin)) map.close();
    }
    // Also of maps that were not opened, since no function declares them any more.
    const gone = [...pinsOf(before.record)].filter((pin) => !used.has(pin));
    for (const pin of gone) this.#dataPath.pins.remove(pin);
    if (gone.length > 0) this.#dataPath.pins.removeEmptyFolders();
    this.#staged = false;
    this.#leftovers.clearTables(live.record);
  }

  /** A place that a pipeline gave up may be that of a new one already. */
  #settleSlots(before: LiveState, live: LiveState, parity: number): void {
    const placeOf = ({ hook, slot }: PipelineRecord): string => `${hook} ${slot}`;
    const pipelines = Object.values(live.record.pipelines);
    const used = new Set(pipelines.map(placeOf));
    for (const pipeline of Object.values(before.record.pipelines)) {
      if (!used.has(placeOf(pipeline))) this.#dataPath.slots(pipeline.hook).clear(pipeline.slot, parity);
    }
    for (const { hook, slot } of [...Object.values(before.record.pipelines), ...pipelines]) {
      this.#dataPath.slots(hook).copy(slot, parity);
    }
  }

  #settleDevices(before: LiveState, live: LiveState, parity: number): void {
    const wanted = new Set(live.record.devices.map((device) => device.port));
    for (const { port } of before.record.devices) {
      if (wanted.has(port)) continue;
      for (const each of [0, 1]) this.#dataPath.devices.clear(port, each);
    }
    for (const device of live.record.devices) this.#dataPath.devices.set(device.port, 1 - parity, device);
  }

  #settleGroups(before: LiveState, live: LiveState, parity: number): void {
    const key = ({ instance, group }: GroupRecord): string => `${instance} ${group}`;
    const wanted = new Set(live.record.groups.map(key));
    for (const group of before.record.groups) {
      if (wanted.has(key(group))) continue;
      for (const each of [0, 1]) {
        this.#floods.delete(group, each);
        this.#broadcasts.delete(group, each);
      }
    }
    this.#writeGroups(before.groups, live.groups, 1 - parity);
  }

  #makePairs(next: Prepared, undo: DisposableStack): void {
    for (const pair of next.pairs) {
      if (this.#pairs.ensure(pair)) undo.defer(() => this.#pairs.remove(pair));
    }
  }

  /** Groups that did not change are in both parities as they are. */
  #writeGroups(before: FloodGroups, groups: FloodGroups, parity: number): void {
    const tcx = this.#pairs.any("tcx")?.ifindex;
    const atEntry = (entry: number) => this.#pairs.get({ hook: "xdp", entry })?.ifindex;
    for (const group of changed(before.tcx, groups.tcx)) this.#floods.set(group, parity, tcx);
    for (const group of changed(before.xdp, groups.xdp)) this.#broadcasts.set(group, parity, atEntry);
  }

  #makeMaps(before: LiveState, next: Prepared, undo: DisposableStack, nextNumber: () => number) {
    const renewed = new Map<string, string>();
    const maps = new Map<string, InstanceMaps>();
    const made = ({ map, pin }: InstanceMap): void => {
      undo.defer(() => {
        map.close();
        this.#dataPath.pins.remove(pin);
      });
    };
    for (const [instance, numbered] of next.numbered.instances) {
      const { node, tables, rules, view } = numbered;
      const live = this.#writers.of(numbered);
      const request = { instance, module: node.module, tables, rules, view, live, before: before.maps.get(instance) };
      const result = makeInstanceMaps({ ...request, pins: this.#dataPath.pins, nextNumber }, made);
      undo.defer(() => result.staged?.abort());
      maps.set(instance, result.maps);
      for (const [map, reason] of result.renewed) renewed.set(`${instance}.${map}`, reason);
    }
    return { maps, renewed };
  }

  #loadPipelines(given: {
    readonly before: LiveState;
    readonly next: Prepared;
    readonly maps: ReadonlyMap<string, InstanceMaps>;
    readonly parity: number;
    readonly undo: DisposableStack;
  }): { readonly records: Readonly<Record<string, PipelineRecord>>; readonly loaded: readonly string[] } {
    const { before, next, maps, parity, undo } = given;
    const records: Record<string, PipelineRecord> = {};
    const fresh: { readonly planned: PlannedPipeline; readonly program: KernelProgram }[] = [];
    using programs = new DisposableStack();
    for (const planned of next.pipelines) {
      const own = mapsOf(planned, maps);
      const loaded = hash([
        planned.fingerprint,
        Object.values(own).map(({ pin }) => pin),
        ...this.#taps.serials(planned.taps),
      ]);
      const { hook } = planned.pipeline;
      const { slot, fingerprint } = planned;
      const old = before.record.pipelines[planned.key];
      if (old?.loaded === loaded && old.slot === slot) {
        records[planned.key] = old;
        continue;
      }
      const { program, fewPaths } = this.#load(planned, own);
      fresh.push({ planned, program: programs.use(program) });
      records[planned.key] = { hook, slot, fingerprint, loaded, ...(fewPaths ? { fewPaths } : {}) };
    }
    for (const { planned, program } of fresh) {
      const slots = this.#dataPath.slots(planned.pipeline.hook);
      undo.defer(() => slots.copy(planned.slot, 1 - parity));
      slots.set(planned.slot, parity, program);
    }
    return { records, loaded: fresh.map(({ planned }) => planned.key) };
  }

  #load(planned: PlannedPipeline, own: Readonly<Record<string, InstanceMap>>): LoadedPipeline {
    const { hook } = planned.pipeline;
    const named = Object.fromEntries(Object.entries(own).map(([name, { map }]) => [name, map]));
    const maps = { ...this.#dataPath.named(hook), ...named, ...this.#taps.named(planned.taps) };
    const made = this.#tryToLoad(planned, maps);
    try {
      this.#workshop.loaded(planned, made.program.info().verifiedInstructions);
      return made;
    } catch (error) {
      made.program.close();
      throw error;
    }
  }

  #tryToLoad(planned: PlannedPipeline, maps: Readonly<Record<string, KernelMap>>): LoadedPipeline {
    return loadWithinLimits((form) => {
      try {
        return { ...form, program: loadComposed(this.#workshop.compile(planned, form), maps) };
      } catch (error) {
        // Where there are several functions, they are cut apart: all of them stay fast.
        if (isForSize(error)) this.#workshop.loaded(planned, undefined);
        throw error;
      }
    }, this.#workshop.wasTooMuch(planned));
  }

  #pointEntries(next: Prepared, parity: number): void {
    const slots = new Map(next.pipelines.map(({ key, slot }) => [key, slot]));
    const wanted = new Map(
      next.entries.map((entry) => {
        const slot = slots.get(pipelineKey(entry.hook, entry.instance))!;
        const identity = next.identities.instances[entry.instance]!.firstPort + entry.port;
        return [next.identities.entries[entry.key]!, { slot, port: entry.port, identity }] as const;
      }),
    );
    const known = this.#attachments.records().map((record) => record.entry);
    for (const entry of new Set([...known, ...wanted.keys()])) {
      this.#dataPath.entryTargets.set(entry, parity, wanted.get(entry));
    }
  }

  #pointDevices(next: Prepared, parity: number): void {
    for (const device of next.devices) this.#dataPath.devices.set(device.port, parity, device);
  }

  /** New attachments lead nowhere in the generation that is live, so that they can be made ahead of the commit. */
  #attachNew(missing: readonly AttachmentRecord[], undo: DisposableStack): void {
    this.#leftovers.forgetLinks();
    for (const record of missing) {
      this.#dataPath.entryTargets.set(record.entry, this.#dataPath.generation.parity, undefined);
      this.#attachments.add(record);
      undo.defer(() => this.#attachments.remove(record.key));
    }
  }
}

function changed<Group>(before: readonly Group[], after: readonly Group[]): readonly Group[] {
  const known = new Set(before.map((group) => JSON.stringify(group)));
  return after.filter((group) => !known.has(JSON.stringify(group)));
}

/** The maps of the functions in a pipeline, by the names that its program knows them by. */
function mapsOf(
  planned: PlannedPipeline,
  maps: ReadonlyMap<string, InstanceMaps>,
): Readonly<Record<string, InstanceMap>> {
  const instances = new Set(stagesOf(planned.pipeline.root).map((stage) => stage.instance));
  return Object.fromEntries(
    [...instances].flatMap((instance) =>
      [...(maps.get(instance) ?? [])].map(([name, map]) => [`${instance}_${name}`, map] as const),
    ),
  );
}

function pinsOf({ maps }: DataPathRecord): ReadonlySet<string> {
  return new Set(Object.values(maps).flatMap((own) => Object.values(own).map(({ pin }) => pin)));
}

export function mapRecords(maps: ReadonlyMap<string, InstanceMaps>): DataPathRecord["maps"] {
  return Object.fromEntries(
    [...maps].map(([instance, own]) => [
      instance,
      Object.fromEntries(
        [...own].map(([name, { pin, layout, contents }]) => [
          name,
          { pin, layout, ...(contents === undefined ? {} : { contents }) },
        ]),
      ),
    ]),
  );
}

/** Opens the maps of a record again. Those that are gone are left out. */
export function adoptMaps(record: DataPathRecord, prepared: Prepared, pins: Pins): ReadonlyMap<string, InstanceMaps> {
  return new Map(
    Object.entries(record.maps).map(([instance, own]) => {
      const declared = prepared.numbered.instances.get(instance)?.node.module.maps ?? [];
      const entries = Object.entries(own).flatMap(([name, { pin, layout, contents }]) => {
        const declaration = declared.find((map) => map.name === name);
        if (!declaration || !pins.exists(pin)) return [];
        return [[name, { declaration, map: KernelMap.fromPin(pin), pin, layout, contents }] as const];
      });
      return [instance, new Map(entries)];
    }),
  );
}
