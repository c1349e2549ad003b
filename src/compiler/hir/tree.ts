import type { RuleData } from "../match/rule-data.ts";
import type { Layout } from "./layout.ts";
import type { Position } from "./position.ts";
import type { Statement } from "./statements.ts";
import type { IntegerName, NarrowInteger, Type } from "./types.ts";

export type * from "./expressions.ts";
export type * from "./statements.ts";

/**
 * HIR: the typed tree that the front end makes of a kernel module, and all that is needed after it.
 *
 * Plain data that serialises to JSON (`serialise.ts`). User functions, generics and compile-time values are already
 * expanded; settings stay symbolic; nothing depends on a hook. `docs/language.md` gives the meaning of the source,
 * `interpret.ts` that of every node here.
 */
export const hirVersion = 2;

export interface Module {
  readonly version: number;
  readonly name: string;
  readonly sources: readonly Source[];
  readonly maps: readonly MapDeclaration[];
  readonly settings: readonly SettingDeclaration[];
  readonly programs: readonly Program[];
  /** Code that operations hand to the kernel, by their `callback` constant. */
  readonly callbacks: readonly Callback[];
  /** How it stands in a graph; absent when it declares nothing of the kind. */
  readonly interface?: ModuleInterface;
}

/** What a function of a graph declares. Operations refer to reasons and metadata by their places here. */
export interface ModuleInterface {
  readonly ports?: FixedPorts | DynamicPorts;
  /** Numbered from 1 on: 0 is "unspecified". */
  readonly dropReasons: readonly Reason[];
  /** Numbered from 0 on. */
  readonly puntReasons: readonly Reason[];
  readonly metadata: readonly MetadataSlot[];
}

export interface FixedPorts {
  readonly kind: "fixed";
  readonly names: readonly string[];
}

/** Ports that the graph names, numbered from 0 on. */
export interface DynamicPorts {
  readonly kind: "dynamic";
  readonly maximum: number;
}

export interface Reason {
  readonly name: string;
  readonly description: string;
}

/** A value that travels with the packet; functions share it by its name. */
export interface MetadataSlot {
  readonly name: string;
  readonly width: "bool" | "u8" | "u16" | "u32" | "u64";
}

export interface Source {
  /** Relative to the module's folder, for messages and line info. */
  readonly path: string;
  readonly text: string;
}

export type MapKind =
  | "array"
  | "hash"
  | "lruHash"
  | "perCpuArray"
  | "perCpuHash"
  | "lruPerCpuHash"
  | "lpmTrie"
  | "ringBuffer"
  | "queue"
  | "stack"
  | "devMap"
  | "devMapHash"
  | "progArray"
  | "arrayOfMaps"
  | "hashOfMaps";

export interface MapDeclaration {
  readonly name: string;
  readonly kind: MapKind;
  /** Absent for ring buffers and queues. An LPM trie's key starts with its prefix length (u32). */
  readonly key?: Layout;
  /**
   * Absent for ring buffers without a declared event; a queue's element; 4 bytes for device and program
   * maps, 8 for device maps whose entries have programs: interface index and program, 4 each.
   */
  readonly value?: Layout;
  /** Entries; bytes for a ring buffer. */
  readonly maxEntries: number;
  /** For ring buffers whose events carry packets: how many bytes of each, at most (packet-record.ts). */
  readonly packetBytes?: number;
  /** BPF_F_* map flags. */
  readonly flags: number;
  /** For maps of maps: the index in `Module.maps` of the map that is the template of the inner ones. */
  readonly inner?: number;
  /** How `iovisor run` shows it. */
  readonly display?: MapDisplay;
  /** For a map that holds rules as data: made by `specialise`, it is in no file. */
  readonly rules?: RuleData;
  readonly at: Position;
}

export interface MapDisplay {
  readonly title?: string;
  readonly kind: "table" | "histogram" | "hidden";
}

export type SettingValue =
  | bigint
  | boolean
  | string
  | readonly SettingValue[]
  | { readonly [name: string]: SettingValue };

export type SettingType =
  | { readonly kind: "integer"; readonly name: IntegerName; readonly minimum?: bigint; readonly maximum?: bigint }
  | { readonly kind: "bool" }
  /** Named integers: the value is one of the names, the program sees the number. */
  | { readonly kind: "enum"; readonly name: string; readonly members: readonly (readonly [string, bigint])[] }
  | {
      readonly kind: "struct";
      readonly fields: readonly { readonly name: string; readonly type: SettingType; readonly description?: string }[];
    }
  /** Rules: matched in order by `match`. Element fields are matchers or plain values. */
  | { readonly kind: "list"; readonly element: SettingType; readonly maxItems?: number }
  | { readonly kind: "set"; readonly element: SettingType; readonly maxItems?: number }
  /** What a rule's field accepts: anything when the rule leaves it out. */
  | {
      readonly kind: "matcher";
      readonly matcher: "exact" | "range" | "prefix" | "set";
      readonly name: IntegerName;
      readonly format?: ValueFormat;
    }
  | { readonly kind: "formatted"; readonly format: ValueFormat };

/** Scalars that people write in another form than a number. */
export type ValueFormat = "ipv4" | "ipv6" | "mac" | "cidr4" | "cidr6";

export interface SettingDeclaration {
  readonly name: string;
  readonly type: SettingType;
  readonly default: SettingValue;
  readonly description: string;
  readonly at: Position;
}

/** Kinds of programs; `src/language/kinds.ts` says for each what its hooks, verdicts and context are. */
export type ProgramKind = "packet" | "tracepoint" | "btfTracepoint" | "cgroupConnect4" | "cgroupConnect6";

export interface Program {
  readonly name: string;
  readonly kind: ProgramKind;
  /** A tracepoint's name: "sched:sched_switch", or "kfree_skb" for a BTF tracepoint. */
  readonly target?: string;
  readonly locals: readonly Local[];
  readonly body: readonly Statement[];
  readonly at: Position;
}

/** "timer": a timer's, called when it expires. "element": `map.forEach`'s, called for each entry. */
export type CallbackKind = "timer" | "element";

/**
 * Code that the kernel calls with a key of a map and the live value there. It shares no variable with the code that
 * handed it over, and returns nothing.
 */
export interface Callback {
  readonly name: string;
  readonly kind: CallbackKind;
  /** Index in `Module.maps`. */
  readonly map: number;
  /** The first two are its parameters: a `constant` reference to the key, a `map` reference to the value. */
  readonly locals: readonly Local[];
  readonly body: readonly Statement[];
  readonly at: Position;
}

/** What has a body and variables of its own. */
export type Routine = Program | Callback;
export type RoutineKind = ProgramKind | CallbackKind;

export function isCallback(routine: Routine): routine is Callback {
  return routine.kind === "timer" || routine.kind === "element";
}

/**
 * A variable; its index in the `locals` of its program or callback is its identity. References are bound once, scalars
 * may be assigned.
 */
export interface Local {
  readonly name: string;
  readonly type: Type;
  /** For `number` (and optional number): the declared width, which every assignment must be proven to fit. */
  readonly width?: NarrowInteger;
  readonly at: Position;
}
