import type { AllocatedBlock, AllocatedFunction, Location, MoveSource } from "./allocated.ts";
import { Contents } from "./contents.ts";
import {
  type MachineBlock,
  type MachineFunction,
  type MachineInstruction,
  machineEdges,
  type Register,
  rematerialKey,
  type Source,
  type VirtualRegister,
} from "./machine.ts";
import { forEachTerminatorUse, forEachUse, isTiedAtomic, machineResult } from "./uses.ts";

/**
 * Proves for allocated code that each instruction reads the values that it is meant to read, whatever way led to it:
 * walks the code with, for each register and spill slot, the set of values that it is known to hold, and meets these
 * sets where ways join (as the checkers of regalloc2 and of V8 do). Knows nothing of how the code was made.
 *
 * @throws Error that names the first instruction that might read something else.
 */
export function checkAllocation(machine: MachineFunction, allocated: AllocatedFunction): void {
  new AllocationCheck(machine, allocated).run();
}

class AllocationCheck {
  readonly #machine: MachineFunction;
  readonly #allocated: AllocatedFunction;
  readonly #blocks: ReadonlyMap<number, AllocatedBlock>;
  readonly #virtual: ReadonlyMap<number, MachineBlock>;
  /** What virtual registers that are made anew stand for. */
  readonly #made = new Map<VirtualRegister, string>();
  /** What is known at the start of each block. */
  readonly #entries = new Map<number, Contents>();
  readonly #work: number[] = [];

  constructor(machine: MachineFunction, allocated: AllocatedFunction) {
    this.#machine = machine;
    this.#allocated = allocated;
    this.#blocks = new Map(allocated.blocks.map((block) => [block.id, block]));
    this.#virtual = new Map(machine.blocks.map((block) => [block.id, block]));
    for (const block of machine.blocks) {
      for (const instruction of block.instructions) {
        if (instruction.kind !== "materialise") continue;
        this.#made.set(instruction.result, rematerialKey(instruction.source));
      }
    }
    const ways = new Map<number, number>();
    for (const { block } of machine.blocks.flatMap(({ terminator }) => machineEdges(terminator))) {
      ways.set(block, (ways.get(block) ?? 0) + 1);
    }
    for (const block of machine.blocks) this.#knowOnlyArguments(block, ways);
  }

  /**
   * The moves of an edge that is the only one to its block may stand in that block. A register that the edge passes is
   * known by both names there; something that is made anew is known by its own alone, so the parameter is that.
   */
  #knowOnlyArguments({ terminator }: MachineBlock, ways: ReadonlyMap<number, number>): void {
    for (const { block, args } of machineEdges(terminator)) {
      if (ways.get(block) !== 1) continue;
      for (const [index, parameter] of this.#virtual.get(block)!.parameters.entries()) {
        const source = args[index]!;
        const key = source.kind === "value" ? this.#made.get(source.value) : rematerialKey(source);
        if (key !== undefined) this.#made.set(parameter, key);
      }
    }
  }

  run(): void {
    const entry = new Contents();
    for (const [index, value] of this.#machine.parameters.entries()) entry.define(`r${index + 1}`, symbolOf(value));
    this.#arrive(this.#machine.blocks[0]!.id, entry);
    for (let id = this.#work.pop(); id !== undefined; id = this.#work.pop()) this.#walk(this.#blocks.get(id)!);
    const missing = this.#machine.blocks.find(({ id }) => !this.#entries.has(id));
    if (missing) this.#fail(`block b${missing.id} is not reached`);
  }

  #arrive(block: number, contents: Contents): void {
    const known = this.#entries.get(block);
    if (!known) this.#entries.set(block, contents.copy());
    else if (!known.meet(contents)) return;
    if (!this.#work.includes(block)) this.#work.push(block);
  }

  #walk(block: AllocatedBlock): void {
    const contents = this.#entries.get(block.id)!.copy();
    const expected = this.#virtual.get(block.id)?.instructions ?? [];
    let next = 0;
    for (const code of block.code) {
      if (code.kind === "move") {
        this.#move(contents, code.to, code.from);
        continue;
      }
      if (code.kind === "clear") {
        contents.forgetBytes(code.offset, 8);
        continue;
      }
      if (code.virtual !== expected[next++]) this.#fail(`b${block.id}: instructions are missing or out of order`);
      this.#operation(contents, code.virtual, code.physical, block.id);
    }
    if (next !== expected.length) this.#fail(`b${block.id}: instructions are missing`);
    this.#leave(block, contents);
  }

  #move(contents: Contents, to: Location, from: MoveSource): void {
    if (to.kind === "spill" && from.kind !== "register" && from.kind !== "immediate") {
      this.#fail("a move from memory to memory");
    }
    const target = keyOf(to);
    this.#overwrite(contents, to);
    if (from.kind === "register" || from.kind === "spill") contents.copyTo(target, keyOf(from));
    else contents.define(target, rematerialKey(from));
  }

  #operation(contents: Contents, virtual: MachineInstruction, physical: MachineInstruction, block: number): void {
    const where = `b${block}: ${virtual.kind}`;
    const registers = physicalRegisters(physical);
    if (virtual.kind === "call") {
      for (const [index, arg] of virtual.args.entries()) this.#expect(contents, index + 1, arg, where);
    } else {
      for (const { value, at } of expectedRegisters(virtual, registers)) this.#expect(contents, at, value, where);
    }
    if (virtual.kind === "store") this.#storeToSlot(contents, virtual);
    const result = machineResult(virtual);
    if (virtual.kind === "call") for (let r = 0; r <= 5; r++) contents.forget(`r${r}`);
    if (result === undefined) return;
    const out =
      virtual.kind === "call" || (virtual.kind === "atomic" && !isTiedAtomic(virtual)) ? 0 : registers.result!;
    contents.forgetSymbol(symbolOf(result));
    contents.define(`r${out}`, this.#made.get(result) ?? symbolOf(result));
  }

  #leave(block: AllocatedBlock, contents: Contents): void {
    const { terminator } = block;
    const virtual = this.#virtual.get(block.id);
    if (virtual) this.#checkTerminator(contents, virtual, terminator);
    const edges = machineEdges(terminator);
    for (const [index, { block: to }] of edges.entries()) {
      const source = block.edge ? this.#virtual.get(block.edge.from)! : virtual!;
      const through = this.#blocks.get(to)!.edge;
      const edge = machineEdges(source.terminator)[block.edge ? block.edge.index : index]!;
      if (through && (through.from !== block.id || through.index !== index)) this.#fail(`b${to}: edge out of place`);
      if (!through && edge.block !== to) this.#fail(`b${block.id}: leads to b${to} instead of b${edge.block}`);
      this.#arrive(to, through ? contents : this.#passArguments(contents, edge.args, this.#virtual.get(to)!));
    }
  }

  /** Block parameters stand for what the edge passes, from here on. */
  #passArguments(contents: Contents, args: readonly Source[], to: MachineBlock): Contents {
    const renames = to.parameters.map((parameter, index) => ({
      symbol: symbolOf(parameter),
      from: this.#symbol(args[index]!),
    }));
    return renames.length === 0 ? contents : contents.rename(renames);
  }

  #checkTerminator(contents: Contents, virtual: MachineBlock, physical: AllocatedBlock["terminator"]): void {
    const where = `b${virtual.id}: ${virtual.terminator.kind}`;
    if (virtual.terminator.kind === "return") {
      this.#expect(contents, 0, virtual.terminator.source, where);
      return;
    }
    const registers: Register[] = [];
    forEachTerminatorUse(physical, (register) => registers.push(register));
    let index = 0;
    forEachTerminatorUse(virtual.terminator, (value) => {
      this.#expect(contents, registers[index++]!, { kind: "value", value }, where);
    });
  }

  #expect(contents: Contents, register: Register, source: Source, where: string): void {
    const symbol = this.#symbol(source);
    if (contents.holds(`r${register}`, symbol)) return;
    this.#fail(`${where}: r${register} is to hold ${symbol}, but holds ${contents.show(`r${register}`)}`);
  }

  #symbol(source: Source): string {
    if (source.kind !== "value") return rematerialKey(source);
    return this.#made.get(source.value) ?? symbolOf(source.value);
  }

  #overwrite(contents: Contents, to: Location): void {
    if (to.kind === "spill") contents.forgetBytes(to.offset, 8);
    else contents.forget(keyOf(to));
  }

  /** Stack slots of the program may share bytes with spill slots, but not at the same time. */
  #storeToSlot(contents: Contents, i: Extract<MachineInstruction, { kind: "store" }>): void {
    if (i.base.kind !== "frame") return;
    const offset = this.#allocated.slotOffsets[i.base.slot]! + i.base.offset + i.offset;
    contents.forgetBytes(offset, i.size);
  }

  #fail(problem: string): never {
    throw new Error(`the register allocation of ${this.#machine.name} is wrong: ${problem}`);
  }
}

function keyOf(location: Location): string {
  return location.kind === "register" ? `r${location.register}` : `fp${location.offset}`;
}

function symbolOf(value: VirtualRegister): string {
  return `v${value}`;
}

interface PhysicalRegisters {
  readonly uses: readonly Register[];
  readonly result: Register | undefined;
}

function physicalRegisters(physical: MachineInstruction): PhysicalRegisters {
  const uses: Register[] = [];
  if (physical.kind === "atomic") {
    if (physical.base.kind === "value") uses.push(physical.base.value);
    uses.push(physical.value);
    return { uses, result: physical.value };
  }
  if (physical.kind === "alu") {
    uses.push(physical.result);
    if (physical.right.kind === "value") uses.push(physical.right.value);
    return { uses, result: physical.result };
  }
  forEachUse(physical, (register) => uses.push(register));
  return { uses, result: machineResult(physical) };
}

/** Which operand is in which register, for instructions other than calls. */
function expectedRegisters(
  virtual: MachineInstruction,
  { uses, result }: PhysicalRegisters,
): readonly { readonly value: Source; readonly at: Register }[] {
  const operands: Source[] = [];
  if (virtual.kind === "alu") {
    operands.push(virtual.left);
    if (virtual.right.kind === "value") operands.push(virtual.right);
  } else if (virtual.kind === "atomic") {
    if (virtual.base.kind === "value") operands.push(virtual.base);
    operands.push({ kind: "value", value: virtual.value });
  } else if (virtual.kind === "inPlace") {
    return [{ value: { kind: "value", value: virtual.source }, at: result! }];
  } else {
    forEachUse(virtual, (value) => operands.push({ kind: "value", value }));
  }
  const pairs = operands.map((value, index) => ({ value, at: uses[index]! }));
  if (virtual.kind === "atomic" && virtual.expected) pairs.push({ value: virtual.expected, at: 0 });
  return pairs;
}
