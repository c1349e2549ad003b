/** Repeatable random numbers: splitmix32 (Steele, Lea, Flood, 2014, in its 32-bit form) over a seed and an index. */
export class Random {
  #state: number;

  constructor(seed: number, index = 0) {
    this.#state = (Math.imul(seed, 0x9e37_79b1) ^ Math.imul(index + 1, 0x85eb_ca77)) >>> 0;
    for (let round = 0; round < 4; round++) this.u32();
  }

  /** 32 bits. */
  u32(): number {
    this.#state = (this.#state + 0x9e37_79b9) | 0;
    let mixed = this.#state ^ (this.#state >>> 16);
    mixed = Math.imul(mixed, 0x21f0_aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a_2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  }

  /** A number from 0 to `end - 1`. */
  below(end: number): number {
    return this.u32() % end;
  }

  /** A number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(probability: number): boolean {
    return this.u32() < probability * 2 ** 32;
  }

  pick<T>(from: readonly T[]): T {
    const chosen = from[this.below(from.length)];
    if (chosen === undefined) throw new RangeError("nothing to pick from");
    return chosen;
  }

  /** One of the rows, each as likely as its weight says. */
  weighted<T>(rows: readonly (readonly [weight: number, value: T])[]): T {
    let left = this.below(rows.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, value] of rows) {
      if (left < weight) return value;
      left -= weight;
    }
    throw new RangeError("nothing to choose from");
  }

  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }

  /** A 64-bit value as programs meet them: often small, near a power of two, or all bits. */
  interesting(bits: number): bigint {
    const mask = (1n << BigInt(bits)) - 1n;
    switch (this.below(5)) {
      case 0:
        return BigInt(this.below(8));
      case 1:
        return ((1n << BigInt(this.below(bits + 1))) - BigInt(this.below(3))) & mask;
      case 2:
        return (mask - BigInt(this.below(4))) & mask;
      case 3:
        return BigInt(this.below(256)) & mask;
      default:
        return this.u64() & mask;
    }
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () =>
      this.chance(0.25) ? this.pick([0, 1, 0x7f, 0x80, 0xff]) : this.below(256),
    );
  }
}
