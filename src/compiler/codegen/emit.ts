import * as build from "../../bytecode/build.ts";
import { type Instruction, PseudoSource } from "../../bytecode/instruction.ts";
import type { Position } from "../hir/position.ts";
import type { AllocatedBlock, AllocatedCode, AllocatedFunction, Location, MoveSource } from "./allocated.ts";
import { fitsImmediate } from "./facts.ts";
import type { FinalBlock, FinalTerminator, Item, Link } from "./final.ts";
import type { Base, MachineInstruction, Operand, Register, Rematerial } from "./machine.ts";
import type { Target } from "./target.ts";

const framePointer: Register = 10;

/** Writes allocated code as instructions of the machine, block by block. */
export class Emitter {
  readonly #fn: AllocatedFunction;
  readonly #target: Target;
  #items: Item[] = [];

  constructor(fn: AllocatedFunction, target: Target) {
    this.#fn = fn;
    this.#target = target;
  }

  run(): FinalBlock[] {
    return this.#fn.blocks.map((block) => this.#block(block));
  }

  #block(block: AllocatedBlock): FinalBlock {
    this.#items = [];
    for (const code of block.code) this.#code(code);
    const origin = block.edge?.from ?? block.id;
    return { id: block.id, origin, items: this.#items, terminator: finalTerminator(block.terminator) };
  }

  #code(code: AllocatedCode): void {
    if (code.kind === "move") this.#move(code.to, code.from, code.at);
    else if (code.kind === "clear") this.#add(build.storeImm(8, framePointer, code.offset, 0), code.at);
    else this.#operation(code.physical);
  }

  #add(instruction: Instruction, at: Position, link?: Link): void {
    this.#items.push(link ? { instruction, at, link } : { instruction, at });
  }

  // ----------------------------------------------------------------------------------------------------- moves

  #move(to: Location, from: MoveSource, at: Position): void {
    if (to.kind === "register") {
      if (from.kind === "register") this.#add(build.movReg(to.register, from.register), at);
      else if (from.kind === "spill") {
        this.#add(build.load(8, to.register, framePointer, from.offset), at);
      } else this.#materialise(to.register, from, at);
      return;
    }
    const { offset } = to;
    if (from.kind === "register") this.#add(build.store(8, framePointer, offset, from.register), at);
    else if (from.kind === "immediate") {
      this.#add(build.storeImm(8, framePointer, offset, Number(BigInt.asIntN(32, from.value))), at);
    } else throw new Error("a move from memory to memory was not taken apart");
  }

  #materialise(register: Register, source: Rematerial, at: Position): void {
    switch (source.kind) {
      case "immediate":
        this.#add(loadImmediate(register, source.value), at);
        return;
      case "map":
        this.#add(build.loadWide(register, 0n, PseudoSource.mapFd), at, { kind: "map", map: source.map });
        return;
      case "mapValue": {
        const { map, offset } = source;
        const wide = BigInt(offset) << 32n;
        this.#add(build.loadWide(register, wide, PseudoSource.mapValue), at, { kind: "value", map, offset });
        return;
      }
      case "function":
        this.#add(build.loadFunction(register, 0), at, { kind: "function", name: source.callee });
        return;
      // The difference of two addresses is any number to the verifier (adjust_reg_min_max_vals, kernel/bpf/verifier.c).
      case "hiddenZero":
        this.#add(build.movReg(register, framePointer), at);
        this.#add(build.alu64("sub", register, build.reg(framePointer)), at);
        return;
      case "frame":
        this.#add(build.movReg(register, framePointer), at);
        this.#add(build.alu64("add", register, this.#frameOffset(source.slot, source.offset)), at);
    }
  }

  #frameOffset(slot: number, offset: number): number {
    return this.#fn.slotOffsets[slot]! + offset;
  }

  // ------------------------------------------------------------------------------------------------ operations

  #operation(i: MachineInstruction): void {
    switch (i.kind) {
      case "materialise":
        this.#materialise(i.result, i.source, i.at);
        return;
      case "convert":
        this.#add(this.#conversion(i), i.at);
        return;
      case "inPlace":
        this.#add(this.#inPlace(i), i.at);
        return;
      case "alu": {
        const make = i.width === 64 ? build.alu64 : build.alu32;
        this.#add(make(i.op, i.result, operand(i.right)), i.at);
        return;
      }
      case "load": {
        const { base, offset } = this.#place(i.base, i.offset);
        const { size } = i;
        const load = i.signed && size !== 8 ? build.loadSigned(size, i.result, base, offset) : undefined;
        this.#add(load ?? build.load(size, i.result, base, offset), i.at);
        return;
      }
      case "store": {
        const { base, offset } = this.#place(i.base, i.offset);
        const { source, size } = i;
        const store =
          source.kind === "constant"
            ? build.storeImm(size, base, offset, source.value)
            : build.store(size, base, offset, source.value);
        this.#add(store, i.at);
        return;
      }
      case "atomic": {
        const { base, offset } = this.#place(i.base, i.offset);
        this.#add(build.atomic(i.op, i.size, base, offset, i.value), i.at);
        return;
      }
      case "call":
        this.#call(i);
    }
  }

  #place(base: Base, offset: number): { base: Register; offset: number } {
    if (base.kind === "value") return { base: base.value, offset };
    return { base: framePointer, offset: this.#frameOffset(base.slot, base.offset) + offset };
  }

  #conversion(i: Extract<MachineInstruction, { kind: "convert" }>): Instruction {
    switch (i.conversion) {
      case "zext32":
        return build.alu32("mov", i.result, build.reg(i.source));
      case "sext8":
        return build.movsx(8, i.result, i.source);
      case "sext16":
        return build.movsx(16, i.result, i.source);
      case "sext32":
        return build.movsx(32, i.result, i.source);
    }
  }

  /** Byte swaps as conversions from host to the other order: these exist in all versions of the instruction set. */
  #inPlace(i: Extract<MachineInstruction, { kind: "inPlace" }>): Instruction {
    const [own, order] = this.#target.littleEndian ? (["le", "be"] as const) : (["be", "le"] as const);
    switch (i.op) {
      case "neg":
        return build.neg64(i.result);
      case "neg32":
        return build.neg32(i.result);
      case "swap16":
        return build.endian(order, 16, i.result);
      case "swap32":
        return build.endian(order, 32, i.result);
      case "swap64":
        return build.endian(order, 64, i.result);
      case "forget":
        return build.endian(own, 64, i.result);
      // A jump to what follows: a known number that decides on one is precise (mark_chain_precision) on all the way.
      case "remember":
        return build.jump("ne", i.result, 0, 0);
    }
  }

  #call(i: Extract<MachineInstruction, { kind: "call" }>): void {
    const { target, at } = i;
    switch (target.kind) {
      case "helper":
        this.#add(build.callHelper(target.id), at);
        return;
      case "kfunc":
        this.#add(build.callKfunc(0), at, { kind: "kfunc", name: target.name });
        return;
      case "function":
        this.#add(build.callLocal(0), at, { kind: "function", name: target.name });
    }
  }
}

/** The shortest instruction that sets the register: sign-extended, zero-extended from 32 bits, or two slots. */
export function loadImmediate(register: Register, value: bigint): Instruction {
  if (fitsImmediate(value)) return build.movImm(register, Number(BigInt.asIntN(32, value)));
  if (value <= 0xffff_ffffn) return build.alu32("mov", register, Number(BigInt.asIntN(32, value)));
  return build.loadWide(register, value);
}

function operand(of: Operand): build.Operand {
  return of.kind === "constant" ? of.value : build.reg(of.value);
}

function finalTerminator(t: AllocatedBlock["terminator"]): FinalTerminator {
  switch (t.kind) {
    case "jump":
      return { kind: "jump", to: t.to.block, at: t.at };
    case "mayGoto":
      return { kind: "mayGoto", then: t.then.block, otherwise: t.otherwise.block, at: t.at };
    case "return":
      return { kind: "exit", at: t.at };
    case "branch": {
      const { op, width, left, right, likely, at } = t;
      const sides = { then: t.then.block, otherwise: t.otherwise.block };
      return { kind: "branch", op, width, left, right, ...sides, ...(likely === undefined ? {} : { likely }), at };
    }
  }
}
