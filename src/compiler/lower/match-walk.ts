import type { FunctionBuilder } from "../ir/builder.ts";
import type { Block, MemoryRegion, Size, Value } from "../ir/ir.ts";
import { endOfHalves, type RuleData } from "../match/rule-data.ts";
import { nodeAt, nodeSize, nowhere, type RuleLayout, recordKind, rootOffset } from "../match/rule-layout.ts";

/** What a walk is over. */
export interface WalkOver {
  readonly layout: RuleLayout;
  readonly data: RuleData;
  /** Index of the data's map in the module. */
  readonly map: number;
  readonly at: number;
}

export interface WalkPlan extends WalkOver {
  /** The subjects of the match. */
  readonly words: readonly Value[];
  /** Whether the kernel has `may_goto`. */
  readonly mayGoto: boolean;
}

/** Rounds between two uses of `may_goto`, which costs two accesses to memory: most walks are at their end before. */
const roundsAtOnce = 4;

/**
 * Looks rules up in data (`match/rule-layout.ts`): from node to node until there is none. A bounded loop whose every
 * state looks alike to the verifier, so that it walks each round once; what comes out is one unknown number. Where the
 * kernel has `may_goto`, a few rounds begin anew with an equal state, so that it walks those and not all that there may
 * be. It stands in line: a call and its return cost as much as several nodes where returns are guarded (SRSO on AMD).
 */
export function emitWalk(builder: FunctionBuilder, plan: WalkPlan): Value {
  return new Walk(builder, plan).emit();
}

class Walk {
  readonly #builder: FunctionBuilder;
  readonly #plan: WalkPlan;
  readonly #words: readonly Value[];
  /** The words in memory, one for each eight bytes, so that a node can say which one it looks at. */
  readonly #table: Value | undefined;
  readonly #base: Value;
  readonly #end: Value;
  readonly #done: Block;
  /** Variables of the loop: a program may have several. */
  readonly #place: string;
  readonly #best: string;
  readonly #round: string;

  constructor(builder: FunctionBuilder, plan: WalkPlan) {
    this.#builder = builder;
    this.#plan = plan;
    this.#words = plan.words;
    this.#table = this.#words.length > 1 ? this.#storeWords() : undefined;
    this.#base = builder.mapValueAddress(plan.map, 0, plan.at);
    this.#end = this.#constant(endOfHalves(plan.data));
    this.#done = builder.newBlock();
    const [place, best, round] = ["place", "best", "round"].map((name) => `walk${this.#done.id}.${name}`);
    this.#place = place!;
    this.#best = best!;
    this.#round = round!;
  }

  emit(): Value {
    const builder = this.#builder;
    const { at, data } = this.#plan;
    builder.write(this.#place, this.#load(this.#base, rootOffset, 4));
    builder.write(this.#best, this.#constant(nowhere));
    builder.write(this.#round, this.#constant(0));
    const [head, next, node] = [builder.newBlock(), builder.newBlock(), builder.newBlock()];
    builder.jump(head, at);
    builder.switchTo(head);
    this.#compare("uge", builder.read(this.#place), this.#end, this.#done, node);
    this.#enter(node);
    this.#node(next);
    this.#enter(next);
    const round = builder.binary("add", 64, builder.read(this.#round), this.#constant(1), at);
    builder.write(this.#round, round);
    if (this.#plan.mayGoto && data.steps > roundsAtOnce) {
      const again = builder.newBlock();
      this.#compare("ult", round, this.#constant(roundsAtOnce), head, again);
      this.#enter(again);
      builder.write(this.#round, this.#constant(0));
      builder.mayGoto({ then: head, otherwise: this.#done, at });
    } else this.#compare("ult", round, this.#constant(data.steps), head, this.#done);
    builder.seal(head);
    this.#enter(this.#done);
    return builder.read(this.#best);
  }

  #storeWords(): Value {
    const builder = this.#builder;
    const { at } = this.#plan;
    const count = this.#tableSize;
    const table = builder.slotAddress(builder.newSlot(8 * count, 8), at);
    const zero = this.#constant(0);
    for (let word = 0; word < count; word++) {
      const value = this.#words[word] ?? zero;
      builder.store({ size: 8, base: table, offset: 8 * word, value, region: "stack", at });
    }
    return table;
  }

  /** A power of two, so that a mask bounds the index. */
  get #tableSize(): number {
    return 2 ** Math.ceil(Math.log2(this.#words.length));
  }

  #node(next: Block): void {
    const builder = this.#builder;
    const address = builder.address(this.#base, builder.read(this.#place), this.#plan.at);
    const kind = this.#load(address, nodeAt.kind, 1);
    const [record, cut] = [builder.newBlock(), builder.newBlock()];
    this.#compare("eq", kind, this.#constant(recordKind), record, cut);
    this.#enter(cut);
    this.#cut(address, kind, next);
    this.#enter(record);
    this.#record(address, next);
  }

  /** Values below the origin wrap and are larger than every child's. */
  #cut(node: Value, kind: Value, next: Block): void {
    const builder = this.#builder;
    const { at } = this.#plan;
    const distance = builder.binary("sub", 64, this.#word(kind), this.#load(node, nodeAt.value, 4), at);
    const child = builder.binary("lshr", 64, distance, this.#load(node, nodeAt.shift, 1), at);
    const [inside, other, valid] = [builder.newBlock(), builder.newBlock(), builder.newBlock()];
    this.#compare("ugt", child, this.#load(node, nodeAt.last, 2), other, inside);
    this.#enter(inside);
    const delta = builder.binary("shl", 64, child, this.#constant(2), at);
    const entry = builder.binary("add", 64, builder.read(this.#place), delta, at);
    this.#compare("uge", entry, this.#end, this.#done, valid);
    this.#enter(valid);
    this.#goOn(this.#load(builder.address(this.#base, entry, at), nodeSize, 4), next);
    this.#enter(other);
    this.#goOn(this.#load(node, nodeAt.other, 4), next);
  }

  #word(kind: Value): Value {
    const builder = this.#builder;
    const { at } = this.#plan;
    if (this.#table === undefined) return this.#words[0]!;
    const offset = builder.binary("and", 64, kind, this.#constant((this.#tableSize - 1) * 8), at);
    return this.#load(builder.address(this.#table, offset, at), 0, 8, "stack");
  }

  /** All words of a record without a branch: a sign bit tells what lies outside, and a later rule counts as such. */
  #record(node: Value, next: Block): void {
    const builder = this.#builder;
    const { at, layout } = this.#plan;
    const rule = this.#load(node, nodeAt.value, 4);
    let outside = builder.binary("sub", 64, builder.read(this.#best), rule, at);
    for (const [word, { offset, size }] of layout.words.entries()) {
      const value = this.#table === undefined ? this.#words[0]! : this.#load(this.#table, 8 * word, 8, "stack");
      const below = builder.binary("sub", 64, value, this.#load(node, offset, size), at);
      const above = builder.binary("sub", 64, this.#load(node, offset + size, size), value, at);
      outside = builder.binary("or", 64, outside, builder.binary("or", 64, below, above, at), at);
    }
    const [miss, hit] = [builder.newBlock(), builder.newBlock()];
    this.#compare("slt", outside, this.#constant(0), miss, hit);
    this.#enter(hit);
    builder.write(this.#best, rule);
    this.#goOn(this.#load(node, nodeAt.next, 4), next);
    this.#enter(miss);
    this.#goOn(this.#load(node, nodeAt.other, 4), next);
  }

  #goOn(place: Value, next: Block): void {
    this.#builder.write(this.#place, place);
    this.#builder.jump(next, this.#plan.at);
  }

  #enter(block: Block): void {
    this.#builder.seal(block);
    this.#builder.switchTo(block);
  }

  #compare(op: "uge" | "ult" | "ugt" | "eq" | "slt", left: Value, right: Value, then: Block, otherwise: Block): void {
    this.#builder.branch({ op, width: 64, left, right, then, otherwise, at: this.#plan.at });
  }

  #constant(value: number): Value {
    return this.#builder.constant(BigInt(value), this.#plan.at);
  }

  #load(base: Value, offset: number, size: Size, region: MemoryRegion = "map"): Value {
    return this.#builder.load({ size, signed: false, base, offset, region, at: this.#plan.at });
  }
}
