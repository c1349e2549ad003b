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
export const hirVersion = 1;

export interface Module {
  readonly version: number;
  readonly name: string;
  readonly sources: readonly Source[];
  readonly maps: readonly MapDeclaration[];
  readonly settings: readonly SettingDeclaration[];
  readonly programs: readonly Program[];
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
  /** Absent for ring buffers without a declared event; a queue's element; 4 bytes for device and program maps. */
  readonly value?: Layout;
  /** Entries; bytes for a ring buffer. */
  readonly maxEntries: number;
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

/** A variable; its index in `Program.locals` is its identity. References are bound once, scalars may be assigned. */
export interface Local {
  readonly name: string;
  readonly type: Type;
  /** For `number` (and optional number): the declared width, which every assignment must be proven to fit. */
  readonly width?: NarrowInteger;
  readonly at: Position;
}
