/** A small seeded generator (mulberry32), so that a failing test can be run again from its printed seed. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 <= x < 1 */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from 0 to limit - 1. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  /** 64 bits with many small values and many near the limits of widths. */
  interesting(): bigint {
    const edge = 1n << BigInt(this.pick([0, 1, 3, 7, 8, 15, 16, 31, 32, 33, 62, 63, 64]));
    switch (this.below(4)) {
      case 0:
        return BigInt(this.below(300));
      case 1:
        return edge - 1n + BigInt(this.below(3) - 1);
      case 2:
        return -edge + BigInt(this.below(3) - 1);
      default:
        return (BigInt(this.below(2 ** 32)) << 32n) | BigInt(this.below(2 ** 32));
    }
  }
}
