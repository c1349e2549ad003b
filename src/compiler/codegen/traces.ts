import type { Loops } from "../ir/loops.ts";
import { type FinalBlock, targetsOf } from "./final.ts";
import { ShortestWays } from "./shortest-ways.ts";

/** A block that ends the function in at most this many instructions is copied to where a jump to it would stand. */
const tinyExit = 2;

export function isTinyExit(block: FinalBlock): boolean {
  return block.terminator.kind === "exit" && block.items.length < tinyExit;
}

/** Whether the block asks an iterator for its next number. */
export function isStep({ items }: FinalBlock): boolean {
  return items.some(({ link }) => link?.kind === "kfunc" && link.name === "bpf_iter_num_next");
}

/** The order of a function's blocks: from each one that is not placed yet, what is expected next, as far as it goes. */
export class Traces {
  readonly #byId: ReadonlyMap<number, FinalBlock>;
  readonly #loops: Loops["loops"];
  readonly #ways: ShortestWays;
  readonly #placed = new Set<number>();
  #rank: ReadonlyMap<number, number> = new Map();
  /** Blocks that ask an iterator for its next number. */
  #steps: ReadonlySet<number> = new Set();

  /** @param readsPacket whether a block of the IR does, by its id */
  constructor(byId: ReadonlyMap<number, FinalBlock>, loops: Loops["loops"], readsPacket: (block: number) => boolean) {
    this.#byId = byId;
    this.#loops = loops;
    this.#ways = new ShortestWays(byId, readsPacket);
  }

  lineUp(blocks: readonly FinalBlock[]): FinalBlock[] {
    this.#rank = new Map(blocks.map((block, index) => [block.id, index]));
    if (this.#loops.length > 0) this.#steps = new Set(blocks.filter(isStep).map(({ id }) => id));
    const order: FinalBlock[] = [];
    for (const start of blocks) {
      for (let block: FinalBlock | undefined = start; block && !this.#placed.has(block.id); ) {
        this.#placed.add(block.id);
        order.push(block);
        const next = this.#next(block);
        block = next && this.#behindStep(block, next);
      }
    }
    return order;
  }

  #next({ terminator }: FinalBlock): FinalBlock | undefined {
    const open = targetsOf(terminator).filter((id) => !this.#placed.has(id));
    if (terminator.kind === "jump" && isTinyExit(this.#byId.get(terminator.to)!)) return undefined;
    const isChoice = open.length === 2 && (terminator.kind === "branch" || terminator.kind === "mayGoto");
    if (!isChoice) return this.#byId.get(open[0] ?? -1);
    if (terminator.kind === "branch" && terminator.likely) return this.#byId.get(terminator[terminator.likely]);
    return this.#byId.get(this.#sooner(terminator.then, terminator.otherwise));
  }

  #sooner(then: number, otherwise: number): number {
    const [first, second] = [this.#byId.get(then)!, this.#byId.get(otherwise)!];
    if (isTinyExit(first) !== isTinyExit(second)) return isTinyExit(first) ? otherwise : then;
    if (this.#steps.has(then) !== this.#steps.has(otherwise)) return this.#steps.has(then) ? otherwise : then;
    // The verifier has to follow the one that knows less of the packet first (see `leaveFirst`).
    const shorter = this.#ways.shorter(then, otherwise);
    if (shorter !== undefined) return shorter;
    // Blocks made for an edge come last in rank: they only lead to another block.
    return this.#rank.get(then)! <= this.#rank.get(otherwise)! ? then : otherwise;
  }

  /**
   * Where the trace comes to the head of an iterator's loop, it goes on with the body: the head comes behind that, and
   * rounds fall through to it. So there is one head, and what the first round enters it with, variables that are
   * unknown and a stack that is not written, is the state that the verifier finds all further rounds to be like.
   */
  #behindStep(from: FinalBlock, next: FinalBlock): FinalBlock {
    const loop = this.#steps.has(next.id) ? this.#loops.find(({ header }) => header === next.id) : undefined;
    if (!loop || loop.blocks.has(from.origin)) return next;
    const inside = (id: number): boolean => id !== next.id && loop.blocks.has(this.#byId.get(id)!.origin);
    const sides = targetsOf(next.terminator).filter(inside);
    return sides.length === 1 ? this.#byId.get(sides[0]!)! : next;
  }
}
