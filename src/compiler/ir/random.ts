import { FunctionBuilder } from "./builder.ts";
import {
  type AtomicOp,
  atomicOps,
  type BinaryOp,
  binaryOps,
  type CompareOp,
  compareOps,
  type IrFunction,
  type IrProgram,
  type Size,
  type StackSlot,
  type UnaryOp,
  unaryOps,
  type Value,
  type Width,
} from "./ir.ts";

/** A repeatable stream of random numbers (Marsaglia's xorshift32). */
export class RandomSource {
  #state: number;

  constructor(seed: number) {
    this.#state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) >>> 0 || 1;
  }

  /** 0..limit-1. */
  below(limit: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state % limit;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

export interface RandomIrOptions {
  /** About how many instructions the entry function gets. Default 60. */
  readonly size?: number;
  /** Bytes of memory behind the first parameter, at least 64. Default 256. */
  readonly memory?: number;
  /** Helpers without arguments that may be called. Default none. */
  readonly helpers?: readonly number[];
  /**
   * What the function's parameter is: the address of the memory, or an XDP context whose packet is the memory. A
   * packet takes no atomics; these go to the stack then. Default "memory".
   */
  readonly parameter?: "memory" | "packet";
}

/**
 * A random program that ends, reads only what it wrote, and depends on all that it computes: arithmetic of all kinds,
 * loads, stores and atomics on the memory behind the first parameter, stack slots, branches, bounded loops, calls of
 * helpers and of a function with five parameters.
 */
export function randomIr(seed: number, options: RandomIrOptions = {}): IrProgram {
  const random = new RandomSource(seed);
  const main = new Generator(random, options).run();
  return { name: `random${seed}`, functions: [main, mixer()] };
}

/** result = ((((a * 3 + b) * 3 + c) * 3 + d) * 3 + e): shuffled arguments show. */
function mixer(): IrFunction {
  const b = new FunctionBuilder("mix", "static", ["integer", "integer", "integer", "integer", "integer"]);
  const three = b.constant(3n, 0);
  let sum = b.parameter(0);
  for (let index = 1; index < 5; index++) {
    sum = b.binary("add", 64, b.binary("mul", 64, sum, three, 0), b.parameter(index), 0);
  }
  b.return(sum, 0);
  return b.finish();
}

const interesting: readonly bigint[] = [
  0n,
  1n,
  2n,
  7n,
  0xffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0xffff_ffff_ffff_ffffn,
];

class Generator {
  readonly #random: RandomSource;
  readonly #options: RandomIrOptions;
  readonly #b = new FunctionBuilder("main", "global", ["context"]);
  readonly #variables: string[] = [];
  readonly #slots: StackSlot[] = [];
  readonly #memory: number;
  /** Values of this block that are no address: they need not pass through variables. */
  #values: Value[] = [];
  readonly #isPacket: boolean;
  #base: Value = 0;
  #end: Value = 0;
  #budget: number;
  #loops = 0;
  #at = 1024;

  constructor(random: RandomSource, options: RandomIrOptions) {
    this.#random = random;
    this.#options = options;
    this.#memory = options.memory ?? 256;
    this.#isPacket = options.parameter === "packet";
    this.#budget = options.size ?? 60;
  }

  run(): IrFunction {
    const b = this.#b;
    this.#base = this.#isPacket ? this.#checkedPacket() : b.parameter(0);
    const count = 2 + this.#random.below(10);
    for (let index = 0; index < count; index++) {
      this.#variables.push(`x${index}`);
      const offset = 8 * this.#random.below(8);
      b.write(
        `x${index}`,
        b.load({ size: 8, signed: false, base: this.#base, offset, region: this.#region(), at: this.#place() }),
      );
    }
    for (let index = this.#random.below(3); index > 0; index--) this.#openSlot();
    while (this.#budget > 0) this.#statement(0);
    let sum = this.#read("x0");
    for (const variable of this.#variables.slice(1)) {
      sum = b.binary("xor", 64, b.binary("mul", 64, sum, b.constant(31n, 0), 0), this.#read(variable), 0);
    }
    b.return(sum, this.#place());
    return b.finish();
  }

  /** The packet's start, once it is known to be long enough. */
  #checkedPacket(): Value {
    const b = this.#b;
    const field = (offset: number): Value =>
      b.load({ size: 4, signed: false, base: b.parameter(0), offset, region: "context", at: this.#place() });
    const data = field(0);
    const end = field(4);
    this.#end = end;
    this.#checkEnd(data, this.#memory);
    return data;
  }

  /** Goes on only when so many bytes from the address on are in the packet, as the kernel's verifier wants it. */
  #checkEnd(address: Value, length: number): void {
    const b = this.#b;
    const [short, long] = [b.newBlock(), b.newBlock()];
    const limit = b.address(address, b.constant(BigInt(length), this.#place()), this.#place());
    b.branch({ op: "ugt", width: 64, left: limit, right: this.#end, then: short, otherwise: long, at: this.#place() });
    b.seal(short);
    b.switchTo(short);
    b.return(b.constant(0n, this.#place()), this.#place());
    b.seal(long);
    b.switchTo(long);
  }

  #region(): "packet" | "map" {
    return this.#isPacket ? "packet" : "map";
  }

  #place(): number {
    return (this.#at += 1);
  }

  #read(variable: string): Value {
    return this.#b.read(variable);
  }

  #openSlot(): void {
    const b = this.#b;
    const slot = b.newSlot(8 * (1 + this.#random.below(3)), 8);
    this.#slots.push(slot);
    for (let offset = 0; offset < slot.size; offset += 8) {
      b.store({
        size: 8,
        base: b.slotAddress(slot, 0),
        offset,
        value: this.#value(),
        region: "stack",
        at: this.#place(),
      });
    }
  }

  /** A value from anywhere: a variable, a constant, something of this block. */
  #value(): Value {
    const kind = this.#random.below(10);
    if (kind < 2) return this.#b.constant(this.#constant(), this.#place());
    if (kind < 6 && this.#values.length > 0) return this.#random.pick(this.#values);
    return this.#read(this.#random.pick(this.#variables));
  }

  #constant(): bigint {
    if (this.#random.chance(50)) return this.#random.pick(interesting);
    return BigInt(this.#random.below(2 ** 31)) << BigInt(this.#random.below(34));
  }

  #keep(value: Value): void {
    if (this.#random.chance(60)) this.#b.write(this.#random.pick(this.#variables), value);
    this.#values.push(value);
  }

  #statement(depth: number): void {
    this.#budget--;
    const kind = this.#random.below(100);
    if (kind < 40) this.#arithmetic();
    else if (kind < 60) this.#access();
    else if (kind < 66) this.#atomic();
    else if (kind < 69 && depth < 3) this.#scratch(depth);
    else if (kind < 76) this.#call();
    else if (kind < 90 && depth < 4) this.#condition(depth);
    else if (depth < 3 && this.#loops < 4) this.#loop(depth);
    else this.#arithmetic();
  }

  #arithmetic(): void {
    const at = this.#place();
    if (this.#random.chance(25)) {
      this.#keep(this.#b.unary(this.#random.pick<UnaryOp>(unaryOps), this.#value(), at));
      return;
    }
    const width: Width = this.#random.chance(60) ? 64 : 32;
    const op = this.#random.pick<BinaryOp>(binaryOps);
    this.#keep(this.#b.binary(op, width, this.#value(), this.#value(), at));
  }

  /** A base and an offset for an access of `size` bytes that stays inside. */
  #address(size: number, forAtomic: boolean): { base: Value; offset: number; region: "packet" | "map" | "stack" } {
    const b = this.#b;
    const at = this.#place();
    if (this.#slots.length > 0 && (this.#random.chance(30) || (forAtomic && this.#isPacket))) {
      const slot = this.#random.pick(this.#slots);
      const offset = size * this.#random.below(Math.floor(slot.size / size));
      return { base: b.slotAddress(slot, at), offset, region: "stack" };
    }
    const room = forAtomic ? size : 1;
    if (this.#random.chance(50)) {
      const offset = room * this.#random.below(Math.floor((this.#memory - size) / room));
      return { base: this.#base, offset, region: this.#region() };
    }
    const mask = b.constant(BigInt(this.#memory / 4 - 1) & ~BigInt(room - 1), at);
    const index = b.binary("and", 64, this.#value(), mask, at);
    let base = b.address(this.#base, index, at);
    if (this.#isPacket) this.#checkEnd(base, 128);
    if (this.#random.chance(50)) base = b.address(base, b.constant(BigInt(room * this.#random.below(8)), at), at);
    return { base, offset: room * this.#random.below(8), region: this.#region() };
  }

  #access(): void {
    const size = this.#random.pick<Size>([1, 2, 4, 8]);
    const place = this.#address(size, false);
    const at = this.#place();
    if (this.#random.chance(50)) {
      this.#b.store({ size, ...place, value: this.#value(), at });
      return;
    }
    const signed = size !== 8 && this.#random.chance(30);
    this.#keep(this.#b.load({ size, signed, ...place, at }));
  }

  #atomic(): void {
    if (this.#isPacket && this.#slots.length === 0) {
      this.#arithmetic();
      return;
    }
    const size = this.#random.chance(50) ? 4 : 8;
    const op = this.#random.pick<AtomicOp>(atomicOps);
    const place = this.#address(size, true);
    const expected = op === "cmpxchg" ? { expected: this.#value() } : {};
    const result = this.#b.atomic({ op, size, ...place, value: this.#value(), ...expected, at: this.#place() });
    if (result !== undefined) this.#keep(result);
  }

  /** A slot that is used here only, so that others may have its place elsewhere. */
  #scratch(depth: number): void {
    const b = this.#b;
    const slot = b.newSlot(16, 8);
    const half = 8 * this.#random.below(2);
    const address = b.slotAddress(slot, this.#place());
    b.store({ size: 8, base: address, offset: half, value: this.#value(), region: "stack", at: this.#place() });
    this.#statement(depth + 1);
    this.#keep(b.load({ size: 8, signed: false, base: address, offset: half, region: "stack", at: this.#place() }));
  }

  #call(): void {
    const { helpers = [] } = this.#options;
    if (helpers.length > 0 && this.#random.chance(50)) {
      this.#keep(this.#b.callHelper(this.#random.pick(helpers), [], this.#place()));
      return;
    }
    const args = [0, 1, 2, 3, 4].map(() => this.#value());
    this.#keep(this.#b.callFunction("mix", args, this.#place()));
  }

  #block(body: () => void): void {
    const outer = this.#values;
    this.#values = [];
    body();
    this.#values = outer;
  }

  #condition(depth: number): void {
    const b = this.#b;
    const [then, otherwise, after] = [b.newBlock(), b.newBlock(), b.newBlock()];
    const width: Width = this.#random.chance(70) ? 64 : 32;
    const op = this.#random.pick<CompareOp>(compareOps);
    const hint = this.#random.below(3);
    b.branch({
      op,
      width,
      left: this.#value(),
      right: this.#value(),
      then,
      otherwise,
      ...(hint === 0 ? {} : { likely: hint === 1 ? ("then" as const) : ("otherwise" as const) }),
      at: this.#place(),
    });
    for (const block of [then, otherwise]) {
      b.seal(block);
      b.switchTo(block);
      this.#block(() => {
        for (let count = this.#random.below(4); count > 0; count--) this.#statement(depth + 1);
        if (this.#random.chance(8)) b.return(this.#value(), this.#place());
        else b.jump(after, this.#place());
      });
    }
    b.seal(after);
    b.switchTo(after);
    // Both sides may have returned.
    if (b.terminated) this.#resume();
  }

  /** Makes the rest of the function reachable again, behind a new start. */
  #resume(): void {
    this.#budget = 0;
  }

  #loop(depth: number): void {
    const b = this.#b;
    this.#loops++;
    const counter = `loop${this.#loops}`;
    const rounds = b.constant(BigInt(1 + this.#random.below(5)), this.#place());
    b.write(counter, b.constant(0n, this.#place()));
    const [header, body, after] = [b.newBlock(), b.newBlock(), b.newBlock()];
    b.jump(header, this.#place());
    b.switchTo(header);
    const left = b.read(counter);
    b.branch({ op: "ult", width: 64, left, right: rounds, then: body, otherwise: after, at: this.#place() });
    b.seal(body);
    b.switchTo(body);
    this.#block(() => {
      for (let count = 1 + this.#random.below(4); count > 0; count--) this.#statement(depth + 1);
      b.write(counter, b.binary("add", 64, b.read(counter), b.constant(1n, 0), this.#place()));
    });
    b.jump(header, this.#place());
    b.seal(header);
    b.seal(after);
    b.switchTo(after);
  }
}
