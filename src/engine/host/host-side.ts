import type { HostValue } from "../codec.ts";
import type { AnyMap } from "../host-types.ts";
import type { TableColumn, TableRow, TableView } from "./table-view.ts";

/** What stands in a graph's file: JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
export type JsonObject = { readonly [name: string]: Json };

/** A device that a port is linked to, as it is now. */
export interface PortDevice {
  readonly name: string;
  readonly ifindex: number;
  /** "02:00:00:00:00:01" */
  readonly mac: string | undefined;
  readonly mtu: number;
}

/** A port of an instance as its host side sees it. */
export interface InstancePort {
  readonly name: string;
  /** What `packet.port` is and `forward` takes in kernel code. Stays the same while the port exists. */
  readonly number: number;
  /** What the graph says of it under `ports`. */
  readonly config: JsonObject;
  /** Whether a link ends at it. */
  readonly linked: boolean;
  /** The device at the other end of its link, where that is one. */
  readonly device: PortDevice | undefined;
  /**
   * Of a function that has `mtus`: the largest packets that every device takes by which they may leave that go out
   * here, directly or behind other functions. Absent where there is none.
   */
  readonly mtu?: number;
  /**
   * The device whose wire side its packets come from and go to: at the other end of its link, or behind functions of
   * two linked ports that flood nothing. Absent where its packets may be those of several devices, or of none.
   */
  readonly outer?: OuterDevice;
}

/** A device that a graph names; it may not be there at the moment. */
export interface OuterDevice {
  readonly name: string;
  /** A namespace under /run/netns; undefined for the visor's own. */
  readonly netns: string | undefined;
  readonly found: PortDevice | undefined;
}

/** An instance as its host side sees it. */
export interface InstanceView {
  readonly name: string;
  readonly config: JsonObject;
  readonly ports: readonly InstancePort[];
}

/** Contents of a map: keys and values as the kernel module declares them. */
export type TableContents = Iterable<readonly [key: HostValue, value: HostValue]>;

/** Ports that a flooded packet goes to, as `flood(group, tagControl)` names them. */
export interface FloodGroup {
  /** 0 to 4095. */
  readonly group: number;
  readonly members: readonly {
    /** The port's number. */
    readonly port: number;
    /** Whether packets leave it with the 802.1Q tag that `flood` was given. */
    readonly tagged: boolean;
  }[];
}

/** Arrays that packets read while they are written. */
export interface LiveMemory {
  /** The arrays as they lie in memory, by name. */
  readonly arrays: Readonly<Record<string, Uint8Array>>;
  /** They are made anew: all zeros, and no packet sees them yet. */
  readonly isNew: boolean;
}

/** Contents that are written beside those that packets go by. */
export interface StagedContents {
  /** What kernel code reads to go by them. */
  readonly word: number;
  /** The revision failed: packets go on by what they had. */
  abort(): void;
}

/** Keeps the contents of arrays that are too large to be made anew with each change of the configuration. */
export interface LiveWriter {
  /** Whether the arrays are to have other contents for that configuration than they have. */
  differs(instance: InstanceView): boolean;
  /**
   * Writes what the configuration wants where no packet finds it before the word says so. One at a time; what was
   * replaced by the stage before the last one is out of every packet's reach. Undefined where that cannot be done in
   * arrays that are not new: then it is called again with new ones.
   */
  stage(instance: InstanceView, memory: LiveMemory): StagedContents | undefined;
  /**
   * Rows of the `table` of the contents that packets go by, in an order that stays: from the first one, or behind a
   * row's cursor. Called while no stage is open.
   *
   * @throws E_USAGE for what is no cursor, or where there is nothing to list
   */
  list?(instance: InstanceView, request: LiveRequest): Iterable<LiveRow>;
}

export interface LiveRequest {
  /** What the kernel's word says now. */
  readonly word: number;
  /** A cursor of the list before. */
  readonly after: string | undefined;
}

export interface LiveRow {
  readonly row: TableRow;
  /** A text of letters, digits, "-" and "_" that finds the place behind it, also when the row is gone. */
  readonly cursor: string;
}

/** Live contents as people see them: a table that is read from the writer, not from a map. It is only read. */
export interface LiveTable {
  /** No map has that name. */
  readonly name: string;
  readonly title: string;
  readonly columns: readonly TableColumn[];
  /** For those who try to change a row: how that is done. */
  readonly remedy: string;
}

/** Large contents of arrays that change in place. */
export interface LiveContents {
  /** The arrays that the writer writes. They are given to nobody else to fill. */
  readonly arrays: readonly string[];
  /** An array with one number: which of its contents kernel code is to go by. */
  readonly word: string;
  /** What the writer's `list` lists. */
  readonly table?: LiveTable;
  /** For an instance that comes. */
  open(): LiveWriter;
}

/** Something that is wrong with an instance's configuration. */
export interface ConfigProblem {
  /** Where, below the instance: "ports.lan1.vlan", "config.routes[2]". */
  readonly path: string;
  readonly message: string;
  readonly remedy: string;
}

/**
 * The part of a function that runs in the daemon: ordinary TypeScript, the default export of `host.ts` beside the
 * kernel module. Everything is optional.
 */
export interface HostSide {
  /** What people call the function, and what it does in a sentence or two. */
  readonly title?: string;
  readonly description?: string;
  /** JSON Schema of what the graph may say under `config` beyond the kernel module's settings. */
  readonly configSchema?: JsonObject;
  /** JSON Schema of what the graph may say about each port. */
  readonly portSchema?: JsonObject;
  /** What schemas cannot say. Called before anything is touched. */
  check?(instance: InstanceView): readonly ConfigProblem[];
  /**
   * Settings of the kernel module that follow from the configuration, all of them named by `computedSettings`; others
   * come from `config` by their names.
   */
  settings?(instance: InstanceView): Readonly<Record<string, unknown>>;
  /** Names of the settings that `settings` gives. A graph cannot write them, unless `configSchema` has the name too. */
  readonly computedSettings?: readonly string[];
  /**
   * Contents of maps that follow from the configuration, by the map's name. Pure: equal instances give equal contents.
   * A map whose contents change is made anew for the revision, so that packets meet the old contents or the new ones,
   * whole; it cannot hold state of its own.
   */
  tables?(instance: InstanceView): Readonly<Record<string, TableContents>>;
  /** Names of the maps that `tables` fills. */
  readonly configurationTables?: readonly string[];
  /** Large contents that follow from the configuration, too, of which a change writes what it changes. */
  readonly live?: LiveContents;
  /** How many entries maps have, by name, where that follows from the configuration; others as they are declared. */
  mapSizes?(instance: InstanceView): Readonly<Record<string, number>>;
  floodGroups?(instance: InstanceView): readonly FloodGroup[];
  /**
   * The largest packets that leave by each port, by its name, of a function that tells senders what is too big, as a
   * router does. Others let packets out as large as they came in.
   */
  mtus?(instance: InstanceView): Readonly<Record<string, number>>;
  /** How people see and edit maps. Others with keys are shown as they are declared, unless they are hidden. */
  readonly tableViews?: readonly TableView[];
  /**
   * Begins what is to be done while the instance exists: answer punts, keep tables, run timers. Where it throws, the
   * apply fails that the instance is new in; later on it is called again after a while.
   */
  start?(context: HostContext): HostProcess;
}

/** A packet that kernel code gave to the host side with `punt(reason)`. */
export interface PuntedPacket {
  /** As the kernel module declares it. */
  readonly reason: string;
  /** The number of the port that it came in on. */
  readonly port: number;
  /** Its length on the wire; `packet` may have less of it. */
  readonly length: number;
  readonly packet: Uint8Array;
}

/** What a host side works with. All of it ends with the instance. */
export interface HostContext {
  /** The instance as it is now; `update` tells of changes. */
  readonly instance: InstanceView;
  /** A map of the kernel module, typed by its declaration. It reads and writes what kernel code sees. */
  map(name: string): AnyMap;
  /** What `live.open` of the host side gave for the instance. */
  readonly live: LiveWriter | undefined;
  /** Sends a frame out of a port. False when nothing is linked there, or it was dropped on the way. */
  send(port: number, frame: Uint8Array): boolean;
  /** Lets a frame come in on a port, as if it had been received there. */
  inject(port: number, frame: Uint8Array): boolean;
  /** Calls back every so many milliseconds until the instance goes. */
  every(milliseconds: number, run: () => void): void;
  /** Runs a synchronous function inside of a network namespace (a name under /run/netns): to open sockets there. */
  inNamespace<Result>(name: string | undefined, run: () => Result): Result;
  /** Tells people who watch the instance: shown by `iovisor events` and in the log. */
  report(event: JsonObject & { readonly kind: string }): void;
}

export interface HostProcess {
  /** A packet came up. What it throws is counted, and the next packet comes as ever. */
  punt?(packet: PuntedPacket): void;
  /**
   * The configuration, or what ports are linked to, changed. Where it throws, the apply fails, and it is called with
   * the configuration of before; where devices changed, the host side is stopped and started anew.
   */
  update?(instance: InstanceView): void;
  stop?(): void;
}
