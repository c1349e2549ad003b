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

  /** 32 bits, signed or as an unsigned bit pattern; in hex also as the 64 bits that it is extended to. */
  imm32(index: number): number {
    const text = this.text(index);
    const extended = /^0xffffffff[89a-f][0-9a-f]{7}$/i.test(text);
    const value = extended ? BigInt(text) : this.#number(text, -0x8000_0000n, 0xffff_ffffn);
    return Number(BigInt.asIntN(32, value));
  }

  /** 64 bits, as an unsigned bit pattern. */
  imm64(index: number): bigint {
    return BigInt.asUintN(64, this.#number(this.text(index), -0x8000_0000_0000_0000n, 0xffff_ffff_ffff_ffffn));
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

  /** A label, or a distance in slots with a sign (`+3`, `-2`) of at most so many bits. */
  target(index: number, bits: 16 | 32 = 16): number {
    const text = this.text(index);
    if (/^[+-]/.test(text)) {
      return this.#distanceIn(text, bits);
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
    return this.#distanceIn(text, 16);
  }

  /** Hex is a bit pattern. */
  #distanceIn(text: string, bits: 16 | 32): number {
    const half = 1n << BigInt(bits - 1);
    const high = /x/i.test(text) ? 2n * half : half;
    return Number(BigInt.asIntN(bits, this.#number(text, -half, high - 1n)));
  }

  #number(text: string, low: bigint, high: bigint): bigint {
    const match = /^([+-]?)(0x[0-9a-f]+|\d+)$/i.exec(text);
    if (match === null) {
      throw assemblyError(this.line, `"${text}" is no number`);
    }
    const magnitude = BigInt(match[2]!);
    const value = match[1] === "-" ? -magnitude : magnitude;
    if (value < low || value > high) {
      throw assemblyError(this.line, `${text} is out of range`);
    }
    return value;
  }
}
