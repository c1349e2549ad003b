/** Memory in arrays of the kernel that packets read meanwhile. */

const mostInBlock = 65;

interface FreeBlock {
  readonly at: number;
  readonly size: number;
  /** Where it is in the list of its size. */
  index: number;
}

/**
 * Blocks of up to 65 elements of an array. Free ones that touch are one, so that what was given back in small blocks
 * is there for large ones; all behind the last block in use is one, too.
 */
class Pool {
  /** By size; all larger ones are in the last list. */
  readonly #lists: readonly FreeBlock[][] = Array.from({ length: mostInBlock + 2 }, () => []);
  readonly #byStart = new Map<number, FreeBlock>();
  readonly #byEnd = new Map<number, FreeBlock>();
  readonly #end: number;
  #next: number;

  constructor(first: number, end: number) {
    this.#next = first;
    this.#end = end;
  }

  /** The smallest free block that is large enough, or its beginning. @throws NoRoom */
  take(size: number): number {
    const block = this.#fitting(size);
    if (block) {
      this.#remove(block);
      if (block.size > size) this.#add(block.at + size, block.size - size);
      return block.at;
    }
    if (this.#next + size > this.#end) throw new NoRoom();
    this.#next += size;
    return this.#next - size;
  }

  give(at: number, size: number): void {
    const [before, after] = [this.#byEnd.get(at), this.#byStart.get(at + size)];
    if (before) this.#remove(before);
    if (after) this.#remove(after);
    const start = before?.at ?? at;
    const end = after ? after.at + after.size : at + size;
    if (end === this.#next) this.#next = start;
    else this.#add(start, end - start);
  }

  #fitting(size: number): FreeBlock | undefined {
    if (this.#byStart.size === 0) return undefined;
    for (let enough = size; enough < this.#lists.length; enough++) {
      const block = this.#lists[enough]!.at(-1);
      if (block) return block;
    }
    return undefined;
  }

  #listFor(size: number): FreeBlock[] {
    return this.#lists[Math.min(size, this.#lists.length - 1)]!;
  }

  #add(at: number, size: number): void {
    const list = this.#listFor(size);
    const block = { at, size, index: list.length };
    list.push(block);
    this.#byStart.set(at, block);
    this.#byEnd.set(at + size, block);
  }

  #remove({ at, size, index }: FreeBlock): void {
    const list = this.#listFor(size);
    const last = list.pop()!;
    if (last.at !== at) {
      list[index] = last;
      last.index = index;
    }
    this.#byStart.delete(at);
    this.#byEnd.delete(at + size);
  }
}

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
