import type { Narrow, Range, Wide } from "./integers.ts";
import type { ArrayLayout, BytesLayout, EnumLayout, Layout, StructLayout } from "./layouts.ts";

/** What a generated module declares, for the code that uses it. */

export type MapKind =
  | "arrayMap"
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
  | "progArray";

export interface MapDeclaration {
  readonly kind: MapKind;
  readonly name: string;
  /** Of keyed maps but arrays, whose key is a number. */
  readonly key?: Layout;
  readonly value?: Layout;
  readonly maxEntries: number;
}

export type Setting =
  | { readonly kind: "number"; readonly path: string; readonly brand: Narrow; readonly range: Range }
  | { readonly kind: "wide"; readonly path: string; readonly type: Wide }
  | { readonly kind: "bool"; readonly path: string }
  /** One of some names. */
  | { readonly kind: "choice"; readonly path: string; readonly names: readonly string[] }
  | {
      readonly kind: "rules";
      readonly path: string;
      readonly matchers: readonly Matcher[];
      readonly plain: readonly PlainField[];
    }
  | { readonly kind: "set"; readonly path: string; readonly subject: Narrow };

export interface Matcher {
  readonly name: string;
  readonly subject: Narrow | "u64";
}

export interface PlainField {
  readonly name: string;
  readonly type: Narrow | "bool" | "choice";
  readonly names?: readonly string[];
}

/** What a value in an expression can be. */
export type ValueType = Narrow | Wide | "bool";

export type Parameter =
  | { readonly kind: "scalar"; readonly name: string; readonly type: ValueType }
  | { readonly kind: "packet"; readonly name: string }
  | {
      readonly kind: "ref";
      readonly name: string;
      readonly layout: StructLayout;
      readonly region: "packet" | "map" | "any";
    }
  /** A callback of one number. */
  | { readonly kind: "callback"; readonly name: string; readonly takes: Narrow; readonly gives: Narrow };

export interface FunctionDeclaration {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  readonly returns: ValueType | "void" | "verdict" | "optional";
  /** Changes maps or the packet's size, so that references become stale. */
  readonly effects: boolean;
  /** Calls helpers, so it has no place inside a lock. */
  readonly helpers: boolean;
  /** Bytes of local storage that each call takes. */
  readonly storage: number;
  /** Rounds of its loops, multiplied. */
  readonly rounds: number;
}

export interface ConstantObject {
  /** "Limits.low" and its value. */
  readonly path: string;
  readonly value: bigint;
  readonly wide: boolean;
}

export interface Declarations {
  readonly structs: StructLayout[];
  readonly enums: EnumLayout[];
  readonly maps: MapDeclaration[];
  readonly settings: Setting[];
  readonly functions: FunctionDeclaration[];
  readonly constants: ConstantObject[];
  /** Names of maps whose values hold a timer. */
  readonly timers: string[];
  /** Module constants that are lists of numbers, for unrolled loops. */
  readonly lists: { readonly name: string; readonly values: readonly bigint[] }[];
}

export type Aggregate = StructLayout | ArrayLayout | BytesLayout;

export function isAggregate(layout: Layout): layout is Aggregate {
  return layout.kind === "struct" || layout.kind === "union" || layout.kind === "array" || layout.kind === "bytes";
}
