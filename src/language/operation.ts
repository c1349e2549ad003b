/** What an operation of the kernel library is: `operations.ts` is the table. */
import type { PacketModel } from "./kinds.ts";

/** What an argument must be. */
export type ArgumentShape =
  | "number"
  | "u64"
  | "bool"
  /** A reference to any layout of the named region; "ref" alone: any readable region. */
  | "ref"
  | "ref packet"
  | "ref map"
  | "ref local"
  /** A scalar or a reference, as the map's key or value layout says. */
  | "key"
  | "value"
  /** A reference to a whole live value of the operation's map. */
  | "mapValue"
  /** A reference to an aligned native 32- or 64-bit integer in a map's value. */
  | "atomic"
  /** The type of the atomic's integer (number for 32 bits, u64/i64 for 64). */
  | "atomicValue"
  /** What the metadata of the operation's slot is. */
  | "metadata";

export type ResultShape =
  | "void"
  | "bool"
  | "verdict"
  | "u64"
  | "number u8"
  | "number u16"
  | "number u32"
  /** What the atomic's integer loads as. */
  | "atomicValue"
  /** Optional reference into the packet, of the operation's layout. */
  | "optional packet"
  /** Optional live reference to the map's value. */
  | "optional map"
  /** Optional copy of the map's value: a scalar, or a local reference. */
  | "optional copy"
  | "optional number u16"
  /** Reference to local storage of the operation's layout. */
  | "local"
  /** What the rule's field is: a number, u64, i64 or bool. */
  | "ruleIndex"
  | "ruleField"
  /** What the metadata of the operation's slot is: a number, u64 or bool. */
  | "metadata";

export type MapFamily = "keyed" | "queue" | "ring" | "device" | "program" | "maps";

export interface Operation {
  readonly args: readonly ArgumentShape[];
  readonly result: ResultShape;
  /** For operations of a map: which maps it serves. */
  readonly map?: MapFamily;
  /** Takes a layout (`OperationExpression.layout`). */
  readonly layout?: true;
  /** Names of the compile-time constants, in order. */
  readonly constants?: readonly string[];
  /** Every packet reference made before it is stale afterwards, on every hook (whatever the hook needs). */
  readonly invalidatesPacket?: true;
  /** Calls a helper, so it may not stand inside a lock. Operations without it compile to plain instructions. */
  readonly helper?: true;
  /** Kinds of programs and callbacks that may use it; absent: all. */
  readonly kinds?: readonly string[];
  readonly gplOnly?: true;
  /** What a graph decides: gone when functions are composed to a pipeline, and never compiled. */
  readonly graph?: true;
  /** Has no name in the library: the engine's own code uses it. */
  readonly internal?: true;
  /** Where alone it can be done; absent: at all hooks of its kinds. */
  readonly packetModel?: PacketModel;
  /** One sentence for docs and editor. */
  readonly about: string;
}
