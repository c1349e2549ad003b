import { type FinalBlock, targetsOf } from "./final.ts";

/** A way from a block to the end of its function. */
interface Way {
  /** How many of its blocks read the packet. */
  readonly reads: number;
  readonly next: number | undefined;
}

/** Ways are compared for so many blocks; where they meet later is not worth the search. */
const farthest = 64;

/** Of each block the way to the function's end, on expected sides, on which the fewest blocks read the packet. */
export class ShortestWays {
  readonly #byId: ReadonlyMap<number, FinalBlock>;
  readonly #readsPacket: (block: number) => boolean;
  readonly #ways = new Map<number, Way>();

  constructor(byId: ReadonlyMap<number, FinalBlock>, readsPacket: (block: number) => boolean) {
    this.#byId = byId;
    this.#readsPacket = readsPacket;
  }

  /** The block whose way reads less of the packet, where both ways meet again; undefined where there is none. */
  shorter(one: number, other: number): number | undefined {
    const [first, second] = [this.#from(one).reads, this.#from(other).reads];
    if (first === second) return undefined;
    const passed = new Set(this.#blocks(one));
    const meeting = this.#blocks(other).find((block) => passed.has(block));
    if (meeting === undefined || this.#byId.get(meeting)!.terminator.kind === "exit") return undefined;
    return first < second ? one : other;
  }

  #blocks(start: number): readonly number[] {
    const blocks: number[] = [];
    for (let at: number | undefined = start; at !== undefined && blocks.length < farthest; at = this.#from(at).next) {
      blocks.push(at);
    }
    return blocks;
  }

  /** No recursion: rule lists make chains of many thousand blocks. */
  #from(start: number): Way {
    const known = this.#ways.get(start);
    if (known) return known;
    const work = [start];
    for (let id = work.at(-1); id !== undefined; id = work.at(-1)) {
      const way = this.#ways.get(id);
      const open = way ? [] : this.#sides(id).filter((side) => !this.#ways.has(side));
      if (open.length > 0) {
        // A way that comes round to a block again is none.
        this.#ways.set(id, { reads: Number.POSITIVE_INFINITY, next: undefined });
        work.push(...open);
        continue;
      }
      work.pop();
      this.#ways.set(id, this.#shortest(id));
    }
    return this.#ways.get(start)!;
  }

  #shortest(id: number): Way {
    const sides = this.#sides(id);
    let [least, next] = [sides.length === 0 ? 0 : Number.POSITIVE_INFINITY, undefined as number | undefined];
    for (const side of sides) {
      const { reads } = this.#ways.get(side)!;
      if (reads < least) [least, next] = [reads, side];
    }
    return { reads: least + (this.#readsPacket(this.#byId.get(id)!.origin) ? 1 : 0), next };
  }

  #sides(id: number): readonly number[] {
    const { terminator } = this.#byId.get(id)!;
    return terminator.kind === "branch" && terminator.likely ? [terminator[terminator.likely]] : targetsOf(terminator);
  }
}
