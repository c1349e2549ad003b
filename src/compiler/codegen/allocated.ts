import type { Position } from "../hir/position.ts";
import type {
  Base,
  MachineInstruction,
  MachineTerminator,
  Operand,
  Register,
  Rematerial,
  VirtualRegister,
} from "./machine.ts";
import { isTiedAtomic, type UseKind } from "./uses.ts";

export type Location =
  | { readonly kind: "register"; readonly register: Register }
  /** A spill slot of eight bytes, by its negative offset from r10. */
  | { readonly kind: "spill"; readonly offset: number };

export type MoveSource = Location | Rematerial;

export interface Move {
  readonly to: Location;
  readonly from: MoveSource;
}

/** Code after allocation: still with the operation that it stands for, so that the checker can compare. */
export type AllocatedCode =
  | ({ readonly kind: "move"; readonly at: Position } & Move)
  /** Overwrites a word of the frame that holds nothing any more: see stale-words.ts. */
  | { readonly kind: "clear"; readonly offset: number; readonly at: Position }
  /** `physical` is the same instruction with registers for virtual registers; two-address ones have their move made. */
  | {
      readonly kind: "operation";
      readonly virtual: MachineInstruction;
      readonly physical: MachineInstruction;
    };

/** A terminator with registers for virtual registers; arguments of edges are moves by now. */
export type AllocatedTerminator = MachineTerminator;

export interface AllocatedBlock {
  readonly id: number;
  code: readonly AllocatedCode[];
  terminator: AllocatedTerminator;
  /** For a block that was made for the moves of an edge: the blocks that it lies between. */
  readonly edge?: { readonly from: number; readonly index: number };
}

export interface AllocatedFunction {
  readonly name: string;
  /** The function's own blocks in order, then those made for edges. */
  readonly blocks: readonly AllocatedBlock[];
  /** Address of each stack slot of the IR, as a negative offset from r10. */
  readonly slotOffsets: readonly number[];
  /** Bytes of stack in use. */
  readonly frameSize: number;
}

export function registerAt(register: Register): Location {
  return { kind: "register", register };
}

export function isSameLocation(a: MoveSource, b: MoveSource): boolean {
  if (a.kind === "register") return b.kind === "register" && a.register === b.register;
  return a.kind === "spill" && b.kind === "spill" && a.offset === b.offset;
}

type RegisterOf = (value: VirtualRegister, kind: UseKind) => Register;

/** The instruction with registers in place of virtual registers; arguments that are moved beforehand are dropped. */
export function withRegisters(i: MachineInstruction, of: RegisterOf, result: Register | undefined): MachineInstruction {
  const out = result ?? 0;
  switch (i.kind) {
    case "materialise":
      return { ...i, result: out };
    case "convert":
      return { ...i, result: out, source: of(i.source, "register") };
    case "inPlace":
      return { ...i, result: out, source: out };
    case "alu": {
      const sameTwice = i.left.kind === "value" && i.right.kind === "value" && i.left.value === i.right.value;
      const right: Operand = sameTwice ? { kind: "value", value: out } : operandWith(i.right, of, "late");
      return { ...i, result: out, left: { kind: "value", value: out }, right };
    }
    case "load":
      return { ...i, result: out, base: baseWith(i.base, of, "register") };
    case "store":
      return { ...i, base: baseWith(i.base, of, "register"), source: operandWith(i.source, of, "register") };
    case "atomic": {
      const tied = isTiedAtomic(i);
      const { expected: _expected, result: _result, ...rest } = i;
      const base = baseWith(i.base, of, tied ? "late" : "register");
      return { ...rest, base, value: tied ? out : of(i.value, "register") };
    }
    case "call":
      return { ...i, args: [], result: 0 };
  }
}

export function terminatorWithRegisters(terminator: MachineTerminator, of: RegisterOf): AllocatedTerminator {
  switch (terminator.kind) {
    case "jump":
      return { ...terminator, to: { block: terminator.to.block, args: [] } };
    case "mayGoto":
    case "branch": {
      const edges = {
        then: { block: terminator.then.block, args: [] },
        otherwise: { block: terminator.otherwise.block, args: [] },
      };
      if (terminator.kind === "mayGoto") return { ...terminator, ...edges };
      const right = operandWith(terminator.right, of, "register");
      return { ...terminator, ...edges, left: of(terminator.left, "register"), right };
    }
    case "return":
      return { ...terminator, source: { kind: "value", value: 0 } };
  }
}

function baseWith(base: Base, of: RegisterOf, kind: UseKind): Base {
  return base.kind === "value" ? { kind: "value", value: of(base.value, kind) } : base;
}

function operandWith(operand: Operand, of: RegisterOf, kind: UseKind): Operand {
  return operand.kind === "value" ? { kind: "value", value: of(operand.value, kind) } : operand;
}
