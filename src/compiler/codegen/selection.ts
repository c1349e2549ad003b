import type { Position } from "../hir/position.ts";
import type { Value } from "../ir/ir.ts";
import { type Facts, fitsImmediate, fitsOffset, type Place } from "./facts.ts";
import {
  immediate,
  type MachineInstruction,
  type Operand,
  type Rematerial,
  rematerialKey,
  type VirtualRegister,
} from "./machine.ts";
import { maxStack, type Target } from "./target.ts";

/** The state of selection: the block being made, and the small steps that all kinds of instructions share. */
export class Selection {
  readonly facts: Facts;
  readonly target: Target;
  #instructions: MachineInstruction[] = [];
  #registerCount: number;
  /** What was made anew in this block since the last call: across calls a register is worth more. */
  readonly #made = new Map<string, VirtualRegister>();

  constructor(facts: Facts, target: Target, valueCount: number) {
    this.facts = facts;
    this.target = target;
    this.#registerCount = valueCount;
  }

  /** Slots that may not share a word with anything else, and whose values are kept from the verifier. */
  get slotsWithUnknownValues(): ReadonlySet<number> {
    return this.target.mixedStackWrites ? new Set() : this.facts.indexedSlots;
  }

  needsUnknownValues(slot: number): boolean {
    return !this.target.mixedStackWrites && this.facts.indexedSlots.has(slot);
  }

  get registerCount(): number {
    return this.#registerCount;
  }

  /** The instructions added since the last call. */
  takeBlock(): MachineInstruction[] {
    const instructions = this.#instructions;
    this.#instructions = [];
    this.#made.clear();
    return instructions;
  }

  add(instruction: MachineInstruction): void {
    this.#instructions.push(instruction);
    if (instruction.kind === "call") this.#made.clear();
  }

  newRegister(): VirtualRegister {
    return this.#registerCount++;
  }

  /** A virtual register that holds the value. */
  register(value: Value, at: Position): VirtualRegister {
    const source = this.facts.source(value);
    return source.kind === "value" ? source.value : this.materialise(source, at);
  }

  materialise(source: Rematerial, at: Position): VirtualRegister {
    const key = rematerialKey(source);
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const result = this.newRegister();
    this.add({ kind: "materialise", result, source, at });
    this.#made.set(key, result);
    return result;
  }

  /** The value as second operand of a 64-bit operation: an immediate if it fits, sign-extended. */
  operand64(value: Value, at: Position): Operand {
    const constant = this.facts.constant(value);
    if (constant !== undefined && fitsImmediate(constant)) {
      return { kind: "constant", value: Number(BigInt.asIntN(32, constant)) };
    }
    return { kind: "value", value: this.register(value, at) };
  }

  /** The value's low half as second operand of a 32-bit operation. */
  operand32(value: Value, at: Position): Operand {
    const constant = this.facts.constant(value);
    if (constant !== undefined) return { kind: "constant", value: Number(BigInt.asIntN(32, constant)) };
    return { kind: "value", value: this.register(value, at) };
  }

  /** What is added to an address; several small steps together may be more than an immediate holds. */
  step(offset: number, at: Position): Operand {
    if ((offset | 0) === offset) return { kind: "constant", value: offset };
    return { kind: "value", value: this.materialise(immediate(BigInt.asUintN(64, BigInt(offset))), at) };
  }

  /** Base and displacement of an access, the displacement within what the instruction holds. */
  place(address: Value, offset: number, at: Position): Place {
    const { base, offset: folded } = this.facts.place(address);
    const total = folded + offset;
    // Beyond the whole stack: in code that is never reached, which plain compiles have.
    const isNear = base.kind === "frame" ? Math.abs(total) <= maxStack : fitsOffset(total);
    if (base.kind === "frame" && isNear) return { base, offset: total };
    const register = base.kind === "frame" ? this.materialise(base, at) : this.register(base.value, at);
    if (isNear) return { base: { kind: "value", value: register }, offset: total };
    const far = this.newRegister();
    this.add({
      kind: "alu",
      op: "add",
      width: 64,
      result: far,
      left: { kind: "value", value: register },
      right: this.step(total, at),
      at,
    });
    return { base: { kind: "value", value: far }, offset: 0 };
  }
}
