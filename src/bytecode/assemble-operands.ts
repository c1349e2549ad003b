import { IovisorError } from "../errors.ts";

/** A mistake in assembly text; `line` counts from 1. */
export function assemblyError(line: number, message: string): IovisorError {
  return new IovisorError("E_FORMAT", `assembly line ${line}: ${message}`, "see the grammar at `assemble`");
}

/** The operands of one statement, read by position; every reader throws `E_FORMAT` when the operand does not fit. */
export class Operands {
  readonly line: number;
  readonly #texts: readonly string[];
  readonly #distance: (label: string) => number | undefined;

  /** `distance` gives the slots from the next instruction to a label. */
  constructor(line: number, texts: readonly string[], distance: (label: string) => number | undefined) {
    this.line = line;
    this.#texts = texts;
    this.#distance = distance;
  }

  get length(): number {
    return this.#texts.length;
  }

  /** The same statement without its first `count` operands. */
  skip(count: number): Operands {
    return new Operands(this.line, this.#texts.slice(count), this.#distance);
  }

  text(index: number): string {
    const text = this.#texts[index];
    if (text === undefined) {
      throw assemblyError(this.line, `operand ${index + 1} is missing`);
    }
    return text;
  }

  isRegister(index: number): boolean {
    return /^%?r\d/.test(this.text(index));
  }

  register(index: number): number {
    return this.#registerFrom(this.text(index));
  }

  /** 32 bits: signed decimal, or hex up to 0xffffffff that is taken as a bit pattern. */
  imm32(index: number): number {
    return Number(BigInt.asIntN(32, this.#integer(index, -0x8000_0000n, 0x7fff_ffffn, 0xffff_ffffn)));
  }

  /** 64 bits, as an unsigned bit pattern. */
  imm64(index: number): bigint {
    const all = 0xffff_ffff_ffff_ffffn;
    return BigInt.asUintN(64, this.#integer(index, -0x8000_0000_0000_0000n, all, all));
  }

  /** `[%r1]`, `[%r1+8]`, `[%r1-0x10]`. */
  memory(index: number): { readonly base: number; readonly offset: number } {
    const text = this.text(index);
    const match = /^\[([^+\-\]]+)([+-][^\]]+)?\]$/.exec(text);
    if (match === null) {
      throw assemblyError(this.line, `"${text}" is no memory operand like [%r1+8]`);
    }
    const offset = match[2] === undefined ? 0 : this.#offset(match[2]);
    return { base: this.#registerFrom(match[1]!), offset };
  }

  /** A label, or a distance in slots with a sign (`+3`, `-2`). */
  target(index: number): number {
    const text = this.text(index);
    if (/^[+-]/.test(text)) {
      return this.#offset(text);
    }
    const distance = this.#distance(text);
    if (distance === undefined) {
      throw assemblyError(this.line, `label "${text}" is not defined`);
    }
    return distance;
  }

  #registerFrom(text: string): number {
    const number = Number(/^%?r(\d{1,2})$/.exec(text)?.[1] ?? Number.NaN);
    if (!(number <= 10)) {
      throw assemblyError(this.line, `"${text}" is no register; there are %r0 to %r10`);
    }
    return number;
  }

  #offset(text: string): number {
    return Number(BigInt.asIntN(16, this.#number(text, -0x8000n, 0x7fffn, 0xffffn)));
  }

  #integer(index: number, low: bigint, high: bigint, highest: bigint): bigint {
    return this.#number(this.text(index), low, high, highest);
  }

  /** Hex may go up to `highest`, as a bit pattern. */
  #number(text: string, low: bigint, high: bigint, highest: bigint): bigint {
    const match = /^([+-]?)(0x[0-9a-f]+|\d+)$/i.exec(text);
    if (match === null) {
      throw assemblyError(this.line, `"${text}" is no number`);
    }
    const magnitude = BigInt(match[2]!);
    const value = match[1] === "-" ? -magnitude : magnitude;
    const isHex = /x/i.test(text);
    if (value < low || value > (isHex ? highest : high)) {
      throw assemblyError(this.line, `${text} is out of range`);
    }
    return value;
  }
}
