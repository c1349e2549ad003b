import { foldBinary, foldCompare, foldUnary } from "../passes/fold.ts";
import type { AtomicOp, Block, Edge, Instruction, IrFunction, IrProgram, Size, Value } from "./ir.ts";
import { blocksById } from "./operands.ts";

export interface InterpretOptions {
  /** Changed in place. */
  readonly memory: Uint8Array;
  /**
   * What the first parameter is: the memory's address, or that of a context as of XDP, which holds the addresses of
   * the memory's start and end as 4-byte fields. Default "memory".
   */
  readonly parameter?: "memory" | "context";
  /** Called for helpers and kernel functions; the arguments are not read as addresses. */
  readonly call?: (callee: number | string, args: readonly bigint[]) => bigint;
  /** Instructions after which a run is given up. Default 100,000. */
  readonly limit?: number;
}

/** Addresses of the memory, and of the stack slots from there upwards: far apart, so that no access strays. */
const contextAddress = 0x800_0000n;
const memoryAddress = 0x1000_0000n;
const stackAddress = 0x2000_0000n;
const apart = 0x1_0000n;

/**
 * Runs IR as it is defined, slowly and with all checks, as an oracle for tests of passes and code generation.
 *
 * @throws Error for an access outside of any object, a read of stack that was not written, or too long a run.
 */
export function interpret(program: IrProgram, options: InterpretOptions): bigint {
  const machine = new Interpreter(program, options);
  const first = options.parameter === "context" ? contextAddress : memoryAddress;
  return machine.call(program.functions[0]!, [first, BigInt(options.memory.length)]);
}

interface Region {
  readonly address: bigint;
  readonly bytes: Uint8Array;
  readonly written: Uint8Array | undefined;
}

class Interpreter {
  readonly #program: IrProgram;
  readonly #options: InterpretOptions;
  readonly #regions: Region[];
  #nextSlot = stackAddress;
  #steps = 0;

  constructor(program: IrProgram, options: InterpretOptions) {
    this.#program = program;
    this.#options = options;
    const context = new Uint8Array(8);
    new DataView(context.buffer).setUint32(0, Number(memoryAddress), true);
    new DataView(context.buffer).setUint32(4, Number(memoryAddress) + options.memory.length, true);
    this.#regions = [
      { address: contextAddress, bytes: context, written: undefined },
      { address: memoryAddress, bytes: options.memory, written: undefined },
    ];
  }

  call(fn: IrFunction, args: readonly bigint[]): bigint {
    const frame = new Frame(fn, args);
    const regions = this.#regions.length;
    for (const slot of fn.slots) {
      const bytes = new Uint8Array(slot.size);
      this.#regions.push({ address: this.#nextSlot, bytes, written: new Uint8Array(slot.size) });
      frame.slots.push(this.#nextSlot);
      this.#nextSlot += apart;
    }
    const result = this.#run(frame);
    this.#regions.length = regions;
    return result;
  }

  #run(frame: Frame): bigint {
    let block = frame.fn.blocks[0]!;
    for (;;) {
      for (const instruction of block.instructions) this.#step(frame, instruction);
      const { terminator } = block;
      this.#count();
      switch (terminator.kind) {
        case "return":
          return frame.get(terminator.value);
        case "jump":
          block = frame.follow(terminator.to);
          break;
        case "mayGoto":
          block = frame.follow(terminator.then);
          break;
        case "branch": {
          const { op, width, left, right } = terminator;
          const taken = foldCompare(op, width, frame.get(left), frame.get(right));
          block = frame.follow(taken ? terminator.then : terminator.otherwise);
        }
      }
    }
  }

  #count(): void {
    if (++this.#steps > (this.#options.limit ?? 100_000)) throw new Error("the IR program runs too long");
  }

  #step(frame: Frame, i: Instruction): void {
    this.#count();
    switch (i.kind) {
      case "store":
        this.#write(frame.get(i.base) + BigInt(i.offset), i.size, frame.get(i.value));
        return;
      case "atomic": {
        const old = this.#atomic(frame, i);
        if (i.result !== undefined) frame.set(i.result, old);
        return;
      }
      default:
        frame.set(i.result, this.#value(frame, i));
    }
  }

  #value(frame: Frame, i: Exclude<Instruction, { kind: "store" | "atomic" }>): bigint {
    switch (i.kind) {
      case "const":
        return i.value;
      case "mapAddress":
      case "mapValueAddress":
      case "functionAddress":
        throw new Error(`the IR interpreter has no ${i.kind}`);
      case "slotAddress":
        return frame.slots[i.slot]!;
      case "hiddenZero":
        return 0n;
      case "binary":
        return foldBinary(i.op, i.width, frame.get(i.left), frame.get(i.right));
      case "unary":
        return foldUnary(i.op, frame.get(i.value));
      case "address":
        return BigInt.asUintN(64, frame.get(i.base) + frame.get(i.index));
      case "load": {
        const raw = this.#read(frame.get(i.base) + BigInt(i.offset), i.size);
        return i.signed ? BigInt.asUintN(64, BigInt.asIntN(i.size * 8, raw)) : raw;
      }
      case "callFunction": {
        const callee = this.#program.functions.find(({ name }) => name === i.callee)!;
        return this.call(
          callee,
          i.args.map((arg) => frame.get(arg)),
        );
      }
      case "callHelper":
      case "callKfunc": {
        const callee = i.kind === "callHelper" ? i.helper : i.name;
        if (!this.#options.call) throw new Error(`no ${callee} in this run`);
        return BigInt.asUintN(
          64,
          this.#options.call(
            callee,
            i.args.map((arg) => frame.get(arg)),
          ),
        );
      }
    }
  }

  #atomic(frame: Frame, i: Extract<Instruction, { kind: "atomic" }>): bigint {
    const address = frame.get(i.base) + BigInt(i.offset);
    const old = this.#read(address, i.size);
    const bits = i.size * 8;
    const operand = BigInt.asUintN(bits, frame.get(i.value));
    if (i.op === "cmpxchg") {
      if (old === BigInt.asUintN(bits, frame.get(i.expected!))) this.#write(address, i.size, operand);
      return old;
    }
    this.#write(address, i.size, combine(i.op, old, operand));
    return old;
  }

  #find(address: bigint, size: Size): { region: Region; offset: number } {
    const region = this.#regions.findLast((one) => one.address <= address);
    const offset = region ? Number(address - region.address) : 0;
    if (!region || offset + size > region.bytes.length) throw new Error(`no memory at 0x${address.toString(16)}`);
    return { region, offset };
  }

  #read(address: bigint, size: Size): bigint {
    const { region, offset } = this.#find(address, size);
    let value = 0n;
    for (let index = size - 1; index >= 0; index--) {
      if (region.written?.[offset + index] === 0) throw new Error("a read of stack that was not written");
      value = (value << 8n) | BigInt(region.bytes[offset + index]!);
    }
    return value;
  }

  #write(address: bigint, size: Size, value: bigint): void {
    const { region, offset } = this.#find(address, size);
    for (let index = 0; index < size; index++) {
      region.bytes[offset + index] = Number((value >> BigInt(8 * index)) & 0xffn);
      if (region.written) region.written[offset + index] = 1;
    }
  }
}

function combine(op: Exclude<AtomicOp, "cmpxchg">, old: bigint, operand: bigint): bigint {
  switch (op) {
    case "add":
    case "fetchAdd":
      return old + operand;
    case "and":
    case "fetchAnd":
      return old & operand;
    case "or":
    case "fetchOr":
      return old | operand;
    case "xor":
    case "fetchXor":
      return old ^ operand;
    case "xchg":
      return operand;
  }
}

class Frame {
  readonly fn: IrFunction;
  readonly slots: bigint[] = [];
  readonly #values = new Map<Value, bigint>();
  readonly #blocks: readonly (Block | undefined)[];

  constructor(fn: IrFunction, args: readonly bigint[]) {
    this.fn = fn;
    this.#blocks = blocksById(fn);
    for (const [index, value] of fn.parameters.entries()) this.set(value, args[index]!);
  }

  get(value: Value): bigint {
    const found = this.#values.get(value);
    if (found === undefined) throw new Error(`v${value} is read before it is written`);
    return found;
  }

  set(value: Value, to: bigint): void {
    this.#values.set(value, to);
  }

  /** Goes along the edge: all parameters at once. */
  follow(edge: Edge): Block {
    const block = this.#blocks[edge.block]!;
    const args = edge.args.map((arg) => this.get(arg));
    for (const [index, parameter] of block.parameters.entries()) this.set(parameter, args[index]!);
    return block;
  }
}
