import type { Position } from "../hir/position.ts";

/**
 * IR: the SSA form of the back end, close to the machine.
 *
 * Every value is one 64-bit register: an integer or an address. Operations have the two widths of the machine: a
 * 32-bit one reads the low halves and gives its result zero-extended. Blocks have parameters in place of phis; edges
 * carry the arguments. There is no boolean instruction: comparisons stand in branches only.
 *
 * Passes rewrite functions in place; `text.ts` prints and parses, `verify.ts` checks.
 */
export type Value = number;

export interface IrProgram {
  readonly name: string;
  /** The entry function is the first; others are callbacks, subprograms and global functions. */
  readonly functions: IrFunction[];
}

export interface IrFunction {
  readonly name: string;
  /** "global": verified on its own by the kernel (BTF_FUNC_GLOBAL); "static": with its callers. */
  readonly linkage: "global" | "static";
  /** Values of r1.. at entry (at most five). The entry function's only one is the context. */
  readonly parameters: Value[];
  /** For BTF: what each parameter is. */
  readonly parameterKinds: readonly ("context" | "integer" | "address")[];
  /** The first block is the entry; it has no parameters and no predecessors. */
  blocks: Block[];
  slots: StackSlot[];
  /** A timer's callback: it runs later, on a stack of its own, and no frame of this program is below its. */
  readonly asynchronous?: true;
  /** It was made in its final form (a decision of thousands of comparisons): passes leave it as it is. */
  readonly final?: true;
  /** One more than the greatest value in use. */
  valueCount: number;
  /** One more than the greatest block id in use. */
  blockCount: number;
}

export interface StackSlot {
  readonly id: number;
  readonly size: number;
  /** 1, 2, 4 or 8. */
  readonly align: number;
}

export interface Block {
  readonly id: number;
  parameters: Value[];
  instructions: Instruction[];
  terminator: Terminator;
}

export type Width = 32 | 64;
export type Size = 1 | 2 | 4 | 8;

export const binaryOps = [
  "add",
  "sub",
  "mul",
  "udiv",
  "umod",
  "sdiv",
  "smod",
  "and",
  "or",
  "xor",
  "shl",
  "lshr",
  "ashr",
] as const;
export type BinaryOp = (typeof binaryOps)[number];

/**
 * `zext8..32` and `sext8..32` extend the low bits to 64; `bswap16..64` reverse the low bytes and zero-extend; `neg` is
 * 64-bit two's complement, `neg32` its low half zero-extended. `remember` gives the value itself; what the verifier
 * knows of it where it was made it goes on knowing in the loops between.
 */
export const unaryOps = [
  "neg",
  "neg32",
  "zext8",
  "zext16",
  "zext32",
  "sext8",
  "sext16",
  "sext32",
  "bswap16",
  "bswap32",
  "bswap64",
  "remember",
] as const;
export type UnaryOp = (typeof unaryOps)[number];

/** What a memory access touches: accesses of different regions never alias, except "unknown" with all. */
export const memoryRegions = ["packet", "context", "stack", "map", "kernel", "unknown"] as const;
export type MemoryRegion = (typeof memoryRegions)[number];

export const atomicOps = [
  "add",
  "and",
  "or",
  "xor",
  "fetchAdd",
  "fetchAnd",
  "fetchOr",
  "fetchXor",
  "xchg",
  "cmpxchg",
] as const;
export type AtomicOp = (typeof atomicOps)[number];

export type Instruction =
  | { readonly kind: "const"; readonly result: Value; readonly value: bigint; readonly at: Position }
  /** The address of a map (BPF_PSEUDO_MAP_FD), by the map's index in the module. */
  | { readonly kind: "mapAddress"; readonly result: Value; readonly map: number; readonly at: Position }
  /** The address of a byte inside of the only value of an array map (BPF_PSEUDO_MAP_VALUE). */
  | {
      readonly kind: "mapValueAddress";
      readonly result: Value;
      readonly map: number;
      readonly offset: number;
      readonly at: Position;
    }
  /** The address of a function of this program (BPF_PSEUDO_FUNC), for callbacks. */
  | { readonly kind: "functionAddress"; readonly result: Value; readonly callee: string; readonly at: Position }
  | { readonly kind: "slotAddress"; readonly result: Value; readonly slot: number; readonly at: Position }
  /** Zero, but any number to the verifier: what is added to it, or taken from, is unknown from there on. */
  | { readonly kind: "hiddenZero"; readonly result: Value; readonly at: Position }
  | {
      readonly kind: "binary";
      readonly op: BinaryOp;
      readonly width: Width;
      readonly result: Value;
      readonly left: Value;
      readonly right: Value;
      readonly at: Position;
    }
  | {
      readonly kind: "unary";
      readonly op: UnaryOp;
      readonly result: Value;
      readonly value: Value;
      readonly at: Position;
    }
  /** address (left) + integer (right): the order that the verifier wants. */
  | {
      readonly kind: "address";
      readonly result: Value;
      readonly base: Value;
      readonly index: Value;
      /** The most that the index is where the address is made, if it was tested: to the verifier it stays that. */
      readonly within?: number;
      readonly at: Position;
    }
  | {
      readonly kind: "load";
      readonly result: Value;
      readonly size: Size;
      readonly signed: boolean;
      readonly base: Value;
      readonly offset: number;
      readonly region: MemoryRegion;
      readonly at: Position;
    }
  | {
      readonly kind: "store";
      readonly size: Size;
      readonly base: Value;
      readonly offset: number;
      readonly value: Value;
      readonly region: MemoryRegion;
      readonly at: Position;
    }
  /** `result` for fetching ones only. `expected` for cmpxchg. Sizes 4 and 8. */
  | {
      readonly kind: "atomic";
      readonly op: AtomicOp;
      readonly result?: Value;
      readonly size: 4 | 8;
      readonly base: Value;
      readonly offset: number;
      readonly value: Value;
      readonly expected?: Value;
      readonly region: MemoryRegion;
      readonly at: Position;
    }
  /** A helper by its number; `effects` comes from the helper table. */
  | {
      readonly kind: "callHelper";
      readonly result: Value;
      readonly helper: number;
      readonly args: readonly Value[];
      readonly at: Position;
    }
  /** A kernel function, resolved against the kernel's BTF. */
  | {
      readonly kind: "callKfunc";
      readonly result: Value;
      readonly name: string;
      readonly args: readonly Value[];
      readonly at: Position;
    }
  | {
      readonly kind: "callFunction";
      readonly result: Value;
      readonly callee: string;
      readonly args: readonly Value[];
      readonly at: Position;
    };

export const compareOps = ["eq", "ne", "ult", "ule", "ugt", "uge", "slt", "sle", "sgt", "sge", "test"] as const;
export type CompareOp = (typeof compareOps)[number];

export interface Edge {
  readonly block: number;
  readonly args: readonly Value[];
}

export type Terminator =
  | { readonly kind: "jump"; readonly to: Edge; readonly at: Position }
  /** `test`: (left & right) != 0. 32-bit comparisons look at the low halves. */
  | {
      readonly kind: "branch";
      readonly op: CompareOp;
      readonly width: Width;
      readonly left: Value;
      readonly right: Value;
      readonly then: Edge;
      readonly otherwise: Edge;
      /** Which side is expected; layout puts it on the fall-through path. */
      readonly likely?: "then" | "otherwise";
      readonly at: Position;
    }
  /** A jump that the verifier takes as bounded (`may_goto`, Linux 6.9): to `otherwise` when the budget is out. */
  | { readonly kind: "mayGoto"; readonly then: Edge; readonly otherwise: Edge; readonly at: Position }
  | { readonly kind: "return"; readonly value: Value; readonly at: Position };
