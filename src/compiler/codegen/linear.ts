import * as build from "../../bytecode/build.ts";
import { slotCount } from "../../bytecode/instruction.ts";
import type { JumpOperation } from "../../bytecode/opcode.ts";
import type { Position } from "../hir/position.ts";
import type { Width } from "../ir/ir.ts";
import type { Item } from "./final.ts";
import { inverseOf } from "./layout.ts";
import type { Operand, Register } from "./machine.ts";
import type { Target } from "./target.ts";

interface JumpTo {
  readonly kind: "jump";
  readonly target: number;
  readonly at: Position;
}

interface PlainJump extends JumpTo {
  readonly op: "always" | "mayGoto";
  /** With a 32-bit distance (`gotol`). */
  readonly long?: true;
}

interface ConditionalJump extends JumpTo {
  readonly op: JumpOperation;
  readonly width: Width;
  readonly left: Register;
  readonly right: Operand;
}

export type LinearJump = PlainJump | ConditionalJump;

/** Code in its final order, with jumps to labels. */
export type LinearCode =
  | { readonly kind: "label"; readonly block: number }
  | { readonly kind: "item"; readonly item: Item }
  | LinearJump;

/** How far a jump reaches in either direction, in slots; a little less than the field holds. */
const reach = 32_700;

/**
 * Turns labels into distances. Jumps that are too far for 16 bits become `gotol` where the target has it; otherwise
 * they go by way of other jumps that are put in between.
 */
export function resolveJumps(code: readonly LinearCode[], target: Target): Item[] {
  let current = [...code];
  for (let fixed = true; fixed; ) {
    const starts = startsOf(current);
    const index = current.findIndex((one, at) => isTooFar(one, at, starts));
    fixed = index >= 0;
    if (fixed) current = target.isa >= 4 ? lengthen(current, index) : addIsland(current, index, starts);
  }
  return withDistances(current);
}

interface Starts {
  /** By index into the code, in slots. */
  readonly slots: readonly number[];
  readonly labels: ReadonlyMap<number, number>;
}

function startsOf(code: readonly LinearCode[]): Starts {
  const labels = new Map<number, number>();
  const slots: number[] = [];
  let slot = 0;
  for (const one of code) {
    slots.push(slot);
    if (one.kind === "label") labels.set(one.block, slot);
    else slot += one.kind === "item" ? slotCount(one.item.instruction) : 1;
  }
  return { slots, labels };
}

function distance(jump: LinearJump, index: number, { slots, labels }: Starts): number {
  return labels.get(jump.target)! - slots[index]! - 1;
}

function isTooFar(one: LinearCode, index: number, starts: Starts): boolean {
  return one.kind === "jump" && !isLong(one) && Math.abs(distance(one, index, starts)) > reach;
}

/** A conditional jump is turned round to jump over a long one. */
function lengthen(code: readonly LinearCode[], index: number): LinearCode[] {
  const jump = code[index] as LinearJump;
  const long: LinearJump = { kind: "jump", op: "always", target: jump.target, at: jump.at, long: true };
  if (jump.op === "always") return code.with(index, long);
  return [...code.slice(0, index), ...over(jump, long, newLabel(code)), ...code.slice(index + 1)];
}

function over(jump: LinearJump, long: LinearJump, label: number): LinearCode[] {
  const end: LinearCode = { kind: "label", block: label };
  if (isConditional(jump)) {
    const op = inverseOf(jump.op);
    if (op) return [{ ...jump, op, target: label }, long, end];
  }
  // It has no opposite: it jumps to the long jump, and what follows it jumps over that.
  const taken: LinearCode = { kind: "label", block: label + 1 };
  const past: LinearJump = { kind: "jump", op: "always", target: label, at: jump.at };
  return [{ ...jump, target: label + 1 }, past, taken, long, end];
}

function isLong(jump: LinearJump): boolean {
  return !isConditional(jump) && jump.long === true;
}

function isConditional(jump: LinearJump): jump is ConditionalJump {
  return jump.op !== "always" && jump.op !== "mayGoto";
}

/** Puts a jump to the same target as far on the way as this one reaches, and jumps there instead. */
function addIsland(code: readonly LinearCode[], index: number, starts: Starts): LinearCode[] {
  const jump = code[index] as LinearJump;
  const forward = distance(jump, index, starts) > 0;
  const wanted = starts.slots[index]! + (forward ? reach - 200 : 200 - reach);
  const place = starts.slots.findIndex((slot) => slot >= wanted);
  const label = newLabel(code);
  const onward: LinearJump = { kind: "jump", op: "always", target: jump.target, at: jump.at };
  const island: LinearCode[] = [
    { kind: "jump", op: "always", target: label, at: jump.at },
    { kind: "label", block: label + 1 },
    onward,
    { kind: "label", block: label },
  ];
  const shortened: LinearCode = { ...jump, target: label + 1 };
  const retargeted = code.with(index, shortened);
  return [...retargeted.slice(0, place), ...island, ...retargeted.slice(place)];
}

function newLabel(code: readonly LinearCode[]): number {
  return code.reduce((greatest, one) => (one.kind === "label" ? Math.max(greatest, one.block) : greatest), 0) + 1;
}

function withDistances(code: readonly LinearCode[]): Item[] {
  const starts = startsOf(code);
  const items: Item[] = [];
  for (const [index, one] of code.entries()) {
    if (one.kind === "item") items.push(one.item);
    if (one.kind === "jump")
      items.push({ instruction: jumpInstruction(one, distance(one, index, starts)), at: one.at });
  }
  return items;
}

function jumpInstruction(jump: LinearJump, offset: number): Item["instruction"] {
  if (!isConditional(jump)) {
    if (jump.op === "mayGoto") return build.mayGoto(offset);
    return jump.long ? build.gotol(offset) : build.ja(offset);
  }
  const make = jump.width === 64 ? build.jump : build.jump32;
  const right = jump.right.kind === "constant" ? jump.right.value : build.reg(jump.right.value);
  return make(jump.op, jump.left, right, offset);
}
