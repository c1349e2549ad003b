import { readdirSync } from "node:fs";
import { GracePeriod } from "../../kernel/grace-period.ts";
import type { KernelMap } from "../../kernel/maps.ts";
import type { KernelProgram } from "../../kernel/programs.ts";
import { waitForRunningPrograms } from "../../kernel/readers.ts";
import type { TableName, TableSizes } from "../pipeline/tables.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import { DeviceTable } from "./device-table.ts";
import { untaggingModule } from "./egress-program.ts";
import { EntryTargets } from "./entry-targets.ts";
import { Generation } from "./generation.ts";
import { compileComposed, loadComposed } from "./load-composed.ts";
import { Pins } from "./pins.ts";
import { Slots } from "./slots.ts";
import { SharedTables } from "./tables.ts";

/**
 * The kernel's side of a visor: tables that all pipelines share, pinned under its name, so that packets flow on when
 * the process is gone. Closing it leaves all of it in the kernel; `remove` takes it away.
 */
export class DataPath implements Disposable {
  readonly pins: Pins;
  readonly generation: Generation;
  readonly entryTargets: EntryTargets;
  readonly devices: DeviceTable;
  readonly #tables: SharedTables;
  readonly #slots: Readonly<Record<PipelineHook, Slots>>;
  readonly #grace = new GracePeriod();
  #committed = false;
  readonly #untagging = new Map<number, KernelProgram>();

  /** Adopts the data path of that name, or makes it. */
  constructor(name: string, sizes?: TableSizes) {
    this.pins = new Pins(name);
    this.#tables = new SharedTables(this.pins, sizes);
    this.generation = new Generation(this.#tables.get("generation"));
    this.entryTargets = new EntryTargets(this.#tables.get("entries"));
    this.devices = new DeviceTable(this.#tables.get("devices"), (port) => this.untagging(port));
    this.#slots = { xdp: new Slots(this.#tables.slots("xdp")), tcx: new Slots(this.#tables.slots("tcx")) };
  }

  get sizes(): TableSizes {
    return this.#tables.sizes;
  }

  slots(hook: PipelineHook): Slots {
    return this.#slots[hook];
  }

  table(name: Exclude<TableName, "slots">): KernelMap {
    return this.#tables.get(name);
  }

  /** The shared maps, by the names that programs of a hook know them by. */
  named(hook: PipelineHook): Readonly<Record<string, KernelMap>> {
    return this.#tables.named(hook);
  }

  /** What runs at XDP on frames that leave by a port of that number, of groups whose tags it does not get. */
  untagging(port: number): KernelProgram {
    const known = this.#untagging.get(port) ?? loadComposed(compileComposed(untaggingModule(port), "xdp-devmap"), {});
    this.#untagging.set(port, known);
    return known;
  }

  /** Names of the attachments that are pinned. */
  pinnedLinks(): readonly string[] {
    return this.pins.exists(this.pins.linksFolder) ? readdirSync(this.pins.linksFolder) : [];
  }

  /** Makes a generation the live one. */
  commit(generation: number): void {
    this.generation.commit(generation);
    this.#committed = true;
    this.#grace.begin();
  }

  /** Returns when no packet is under way any more that met an older generation: mostly at once, some time later. */
  waitForPackets(): void {
    if (this.#committed && this.#grace.wait()) return;
    waitForRunningPrograms();
  }

  /** Takes all pins away: what nothing else holds is gone. */
  remove(): void {
    this[Symbol.dispose]();
    this.pins.removeAll();
  }

  [Symbol.dispose](): void {
    for (const program of this.#untagging.values()) program.close();
    this.#tables[Symbol.dispose]();
  }
}
