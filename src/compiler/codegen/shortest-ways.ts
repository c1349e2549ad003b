import { type FinalBlock, targetsOf } from "./final.ts";

/** Ways are compared for so many blocks; where they meet later is not worth the search. */
const farthest = 64;

/** Of each block the way to the function's end, on expected sides, on which the fewest blocks read the packet. */
export class ShortestWays {
  readonly #byId: ReadonlyMap<number, FinalBlock>;
  readonly #readsPacket: (block: number) => boolean;
  /** By block, where its way is known: how many blocks of the way read the packet, and the next block on it. */
  readonly #reads: (number | undefined)[] = [];
  readonly #next: (number | undefined)[] = [];

  constructor(byId: ReadonlyMap<number, FinalBlock>, readsPacket: (block: number) => boolean) {
    this.#byId = byId;
    this.#readsPacket = readsPacket;
  }

  /** The block whose way reads less of the packet, where both ways meet again; undefined where there is none. */
  shorter(one: number, other: number): number | undefined {
    const [first, second] = [this.#readsFrom(one), this.#readsFrom(other)];
    if (first === second) return undefined;
    const passed = this.#blocks(one);
    const meeting = this.#blocks(other).find((block) => passed.includes(block));
    if (meeting === undefined || this.#byId.get(meeting)!.terminator.kind === "exit") return undefined;
    return first < second ? one : other;
  }

  #blocks(start: number): readonly number[] {
    const blocks: number[] = [];
    for (let at: number | undefined = start; at !== undefined && blocks.length < farthest; at = this.#next[at]) {
      blocks.push(at);
    }
    return blocks;
  }

  /** No recursion: rule lists make chains of many thousand blocks. */
  #readsFrom(start: number): number {
    const known = this.#reads[start];
    if (known !== undefined) return known;
    const work = [start];
    for (let id = work.at(-1); id !== undefined; id = work.at(-1)) {
      const sides = sidesOf(this.#byId.get(id)!);
      const before = work.length;
      if (this.#reads[id] === undefined) {
        // A way that comes round to a block again is none.
        this.#reads[id] = Number.POSITIVE_INFINITY;
        for (const side of sides) if (this.#reads[side] === undefined) work.push(side);
      }
      if (work.length > before) continue;
      work.pop();
      this.#choose(id, sides);
    }
    return this.#reads[start]!;
  }

  #choose(id: number, sides: readonly number[]): void {
    let least = sides.length === 0 ? 0 : Number.POSITIVE_INFINITY;
    for (const side of sides) {
      const reads = this.#reads[side]!;
      if (reads >= least) continue;
      least = reads;
      this.#next[id] = side;
    }
    this.#reads[id] = least + (this.#readsPacket(this.#byId.get(id)!.origin) ? 1 : 0);
  }
}

function sidesOf({ terminator }: FinalBlock): readonly number[] {
  return terminator.kind === "branch" && terminator.likely ? [terminator[terminator.likely]] : targetsOf(terminator);
}
