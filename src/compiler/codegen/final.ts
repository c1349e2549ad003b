import type { Instruction } from "../../bytecode/instruction.ts";
import type { JumpOperation } from "../../bytecode/opcode.ts";
import type { Position } from "../hir/position.ts";
import type { Width } from "../ir/ir.ts";
import type { Operand, Register } from "./machine.ts";

/** What has to be filled into an instruction once everything has its place, or by who loads the program. */
export type Link =
  | { readonly kind: "map"; readonly map: number }
  | { readonly kind: "value"; readonly map: number; readonly offset: number }
  | { readonly kind: "kfunc"; readonly name: string }
  /** A call of, or the address of, a function of the program. */
  | { readonly kind: "function"; readonly name: string };

export interface Item {
  readonly instruction: Instruction;
  readonly at: Position;
  readonly link?: Link;
}

export type FinalTerminator =
  | { readonly kind: "jump"; readonly to: number; readonly at: Position }
  | {
      readonly kind: "branch";
      readonly op: JumpOperation;
      readonly width: Width;
      readonly left: Register;
      readonly right: Operand;
      readonly then: number;
      readonly otherwise: number;
      readonly likely?: "then" | "otherwise";
      readonly at: Position;
    }
  | { readonly kind: "mayGoto"; readonly then: number; readonly otherwise: number; readonly at: Position }
  | { readonly kind: "exit"; readonly at: Position };

/** A block of instructions of the machine; only jumps are still by block. */
export interface FinalBlock {
  readonly id: number;
  /** The block of the IR that it was made for; for a block on an edge, the one that the edge leaves. */
  readonly origin: number;
  readonly items: readonly Item[];
  terminator: FinalTerminator;
}

export function targetsOf(terminator: FinalTerminator): readonly number[] {
  switch (terminator.kind) {
    case "jump":
      return [terminator.to];
    case "branch":
    case "mayGoto":
      return [terminator.then, terminator.otherwise];
    case "exit":
      return [];
  }
}

/** The terminator with `map` applied to its targets; the same object when none of them changes. */
export function mapTargets(terminator: FinalTerminator, map: (block: number) => number): FinalTerminator {
  switch (terminator.kind) {
    case "jump": {
      const to = map(terminator.to);
      return to === terminator.to ? terminator : { ...terminator, to };
    }
    case "branch":
    case "mayGoto": {
      const then = map(terminator.then);
      const otherwise = map(terminator.otherwise);
      return then === terminator.then && otherwise === terminator.otherwise
        ? terminator
        : { ...terminator, then, otherwise };
    }
    case "exit":
      return terminator;
  }
}
