/** Memory in arrays of the kernel that packets read meanwhile. */

/** Blocks of up to 65 elements of an array. */
class Pool {
  readonly #free: number[][] = Array.from({ length: mostInBlock + 1 }, () => []);
  readonly #end: number;
  #next: number;

  constructor(first: number, end: number) {
    this.#next = first;
    this.#end = end;
  }

  take(size: number): number {
    const known = this.#free[size]!.pop();
    if (known !== undefined) return known;
    if (this.#next + size <= this.#end) {
      this.#next += size;
      return this.#next - size;
    }
    for (let larger = size + 1; larger <= mostInBlock; larger++) {
      const at = this.#free[larger]!.pop();
      if (at === undefined) continue;
      this.#free[larger - size]!.push(at + size);
      return at;
    }
    throw new NoRoom();
  }

  give(at: number, size: number): void {
    this.#free[size]!.push(at);
  }
}

const mostInBlock = 65;

/** The arrays are full. */
export class NoRoom extends Error {}

type Block = readonly [pool: Pool, at: number, size: number];

/** A pool whose blocks, once they are given back, stay as they are until nobody can read them any more. */
export class Shared {
  readonly #pool: Pool;
  readonly #later: Block[];

  constructor(pool: Pool, later: Block[]) {
    this.#pool = pool;
    this.#later = later;
  }

  take(size: number): number {
    return this.#pool.take(size);
  }

  give(at: number, size: number): void {
    this.#later.push([this.#pool, at, size]);
  }
}

/** The pools of arrays that change together. */
export class SharedMemory {
  #later: Block[] = [];

  pool(first: number, end: number): Shared {
    return new Shared(new Pool(first, end), this.#later);
  }

  /** Nobody reads any more what was given back. */
  reclaim(): void {
    for (const [pool, at, size] of this.#later.splice(0)) pool.give(at, size);
  }
}
