import type { FunctionBuilder } from "../ir/builder.ts";
import type { Block, Value } from "../ir/ir.ts";
import type { Interval } from "../match/rules.ts";
import type { Decision } from "../match/tree.ts";

/** Emits a tree as comparisons; a node that several paths share is emitted once. */
export class TreeEmitter {
  readonly #builder: FunctionBuilder;
  readonly #words: readonly Value[];
  readonly #leaf: (rule: number | undefined) => bigint;
  readonly #at: number;
  readonly #blocks = new Map<Decision, Block>();

  /** @param leaf what the function returns for a rule, and for none. */
  constructor(
    builder: FunctionBuilder,
    words: readonly Value[],
    leaf: (rule: number | undefined) => bigint,
    at: number,
  ) {
    this.#builder = builder;
    this.#words = words;
    this.#leaf = leaf;
    this.#at = at;
  }

  emit(root: Decision): void {
    const blocks = this.#blocks;
    this.#node(root);
    for (const [decision, block] of blocks) {
      this.#builder.switchTo(block);
      this.#node(decision);
    }
    for (const block of blocks.values()) this.#builder.seal(block);
  }

  /** The block of a node; it is filled when its turn comes (iteration over a Map sees what is added to it). */
  #blockOf(decision: Decision): Block {
    let block = this.#blocks.get(decision);
    if (!block) {
      block = this.#builder.newBlock();
      this.#blocks.set(decision, block);
    }
    return block;
  }

  #node(decision: Decision): void {
    switch (decision.kind) {
      case "leaf":
        this.#builder.return(this.#builder.constant(this.#leaf(decision.rule), this.#at), this.#at);
        return;
      case "split":
        this.#branch("ule", decision.field, decision.at, this.#blockOf(decision.left), this.#blockOf(decision.right));
        return;
      case "test":
        this.#interval(decision.field, decision.interval, this.#blockOf(decision.then), decision.otherwise);
        return;
      case "least":
        throw new Error("a decision of several trees is several functions");
    }
  }

  #branch(op: "ule" | "uge" | "eq", field: number, value: number, then: Block, otherwise: Block): void {
    const right = this.#builder.constant(BigInt(value), this.#at);
    const left = this.#words[field]!;
    // Words have 32 bits: with that width every constant fits into the instruction.
    this.#builder.branch({ op, width: 32, left, right, then, otherwise, at: this.#at });
  }

  #interval(field: number, { low, high }: Interval, then: Block, otherwise: Decision): void {
    const no = this.#blockOf(otherwise);
    if (low === high) {
      this.#branch("eq", field, low, then, no);
      return;
    }
    if (low > 0) {
      const above = this.#builder.newBlock();
      this.#branch("uge", field, low, above, no);
      this.#builder.seal(above);
      this.#builder.switchTo(above);
    }
    this.#branch("ule", field, high, then, no);
  }
}
