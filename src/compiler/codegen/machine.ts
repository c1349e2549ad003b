import type { AluOperation, AtomicOperation, JumpOperation } from "../../bytecode/opcode.ts";
import type { Position } from "../hir/position.ts";
import type { Size, Width } from "../ir/ir.ts";

/**
 * Machine code before registers are chosen: one instruction of the machine for each operation here, over virtual
 * registers in SSA form. Virtual registers that stand for IR values have the value's number.
 */
export type VirtualRegister = number;

/** 0..10. */
export type Register = number;

/** A value that can be made anew at any place, so that it is never kept for long and never spilled. */
export type Rematerial =
  | { readonly kind: "immediate"; readonly value: bigint }
  | { readonly kind: "map"; readonly map: number }
  | { readonly kind: "mapValue"; readonly map: number; readonly offset: number }
  | { readonly kind: "function"; readonly callee: string }
  | { readonly kind: "hiddenZero" }
  /** The address of a byte of a stack slot. */
  | { readonly kind: "frame"; readonly slot: number; readonly offset: number };

export interface VirtualSource {
  readonly kind: "value";
  readonly value: VirtualRegister;
}

/** An operand that may be in a register, in a spill slot or made on the spot: arguments and results. */
export type Source = VirtualSource | Rematerial;

/** Where a memory access starts: in a virtual register, or in a stack slot, that is, off r10. */
export type Base = VirtualSource | Extract<Rematerial, { kind: "frame" }>;

/** A virtual register or a signed 32-bit immediate. */
export type Operand = VirtualSource | { readonly kind: "constant"; readonly value: number };

export type Conversion = "zext32" | "sext8" | "sext16" | "sext32";
/**
 * Two change nothing: `forget` lets the verifier know nothing of the value any more, `remember` lets it go on knowing
 * what it knows.
 */
export type InPlace = "neg" | "neg32" | "swap16" | "swap32" | "swap64" | "forget" | "remember";

export type CallTarget =
  | { readonly kind: "helper"; readonly id: number }
  | { readonly kind: "kfunc"; readonly name: string }
  | { readonly kind: "function"; readonly name: string };

export type MachineInstruction =
  | {
      readonly kind: "materialise";
      readonly result: VirtualRegister;
      readonly source: Rematerial;
      readonly at: Position;
    }
  | {
      readonly kind: "convert";
      readonly conversion: Conversion;
      readonly result: VirtualRegister;
      readonly source: VirtualRegister;
      readonly at: Position;
    }
  /** The result's register is also that of the source. */
  | {
      readonly kind: "inPlace";
      readonly op: InPlace;
      readonly result: VirtualRegister;
      readonly source: VirtualRegister;
      readonly at: Position;
    }
  /** The result's register is also that of the left operand. */
  | {
      readonly kind: "alu";
      readonly op: AluOperation;
      readonly width: Width;
      readonly result: VirtualRegister;
      readonly left: Source;
      readonly right: Operand;
      /** The left operand is an address and has to stay on the left. */
      readonly isAddress?: true;
      readonly at: Position;
    }
  | {
      readonly kind: "load";
      readonly result: VirtualRegister;
      readonly size: Size;
      readonly signed: boolean;
      readonly base: Base;
      readonly offset: number;
      readonly at: Position;
    }
  | {
      readonly kind: "store";
      readonly size: Size;
      readonly base: Base;
      readonly offset: number;
      readonly source: Operand;
      readonly at: Position;
    }
  /** Fetching ones return the old value in the register of `value`, cmpxchg compares and returns in r0. */
  | {
      readonly kind: "atomic";
      readonly op: AtomicOperation;
      readonly size: 4 | 8;
      readonly base: Base;
      readonly offset: number;
      readonly value: VirtualRegister;
      readonly expected?: Source;
      readonly result?: VirtualRegister;
      readonly at: Position;
    }
  | {
      readonly kind: "call";
      readonly target: CallTarget;
      readonly args: readonly Source[];
      readonly result: VirtualRegister;
      readonly at: Position;
    };

export interface MachineEdge {
  readonly block: number;
  readonly args: readonly Source[];
}

export type MachineTerminator =
  | { readonly kind: "jump"; readonly to: MachineEdge; readonly at: Position }
  | {
      readonly kind: "branch";
      readonly op: JumpOperation;
      readonly width: Width;
      readonly left: VirtualRegister;
      readonly right: Operand;
      readonly then: MachineEdge;
      readonly otherwise: MachineEdge;
      readonly likely?: "then" | "otherwise";
      readonly at: Position;
    }
  | {
      readonly kind: "mayGoto";
      readonly then: MachineEdge;
      readonly otherwise: MachineEdge;
      readonly at: Position;
    }
  | { readonly kind: "return"; readonly source: Source; readonly at: Position };

export interface MachineBlock {
  readonly id: number;
  readonly parameters: VirtualRegister[];
  instructions: MachineInstruction[];
  readonly terminator: MachineTerminator;
}

export interface MachineFunction {
  readonly name: string;
  /** Virtual registers of r1.. at entry. */
  readonly parameters: readonly VirtualRegister[];
  /** In an order in which each block comes behind its dominators. */
  readonly blocks: readonly MachineBlock[];
  readonly blockCount: number;
  readonly registerCount: number;
  /** Stack slots that share no word of eight bytes with anything else. */
  readonly wholeWordSlots: ReadonlySet<number>;
}

export function machineEdges(terminator: MachineTerminator): readonly MachineEdge[] {
  switch (terminator.kind) {
    case "jump":
      return [terminator.to];
    case "branch":
    case "mayGoto":
      return [terminator.then, terminator.otherwise];
    case "return":
      return [];
  }
}

export function immediate(value: bigint): Rematerial {
  return { kind: "immediate", value: BigInt.asUintN(64, value) };
}

export function virtual(value: VirtualRegister): VirtualSource {
  return { kind: "value", value };
}

/** Two sources that are the same have the same key. */
export function rematerialKey(source: Rematerial): string {
  switch (source.kind) {
    case "immediate":
      return `#${source.value}`;
    case "map":
      return `map ${source.map}`;
    case "mapValue":
      return `map ${source.map}+${source.offset}`;
    case "function":
      return `function ${source.callee}`;
    case "hiddenZero":
      return "hidden zero";
    case "frame":
      return `slot ${source.slot}+${source.offset}`;
  }
}
