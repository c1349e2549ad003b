import type { Interval } from "./interval.ts";
import {
  type MachineBlock,
  type MachineFunction,
  machineEdges,
  type Register,
  type VirtualRegister,
} from "./machine.ts";
import { machineResult, tiedSource } from "./uses.ts";

/** Wishes die out on their way back through chains of instructions. */
const longestChain = 8;

interface Wish {
  readonly register: Register;
  readonly weight: number;
}

interface Relation {
  readonly other: VirtualRegister;
  /** Whether the other one begins where this one ends, or the other way round. */
  readonly after: boolean;
  readonly weight: number;
}

/**
 * Which registers save a move: arguments want to be where the call takes them, results where it leaves them, both
 * sides of a two-address instruction and of an edge in the same place.
 */
export class Hints {
  readonly #wishes = new Map<VirtualRegister, Wish[]>();
  readonly #relations = new Map<VirtualRegister, Relation[]>();
  readonly #intervals: ReadonlyMap<VirtualRegister, Interval>;
  readonly #scores = new Float64Array(11);

  constructor(fn: MachineFunction, frequency: Float64Array, intervals: ReadonlyMap<VirtualRegister, Interval>) {
    this.#intervals = intervals;
    const parameters = new Map(fn.blocks.map((block) => [block.id, block.parameters]));
    // Backwards, so that wishes of results are known when their operands are met.
    for (const block of [...fn.blocks].reverse()) this.#addBlock(block, frequency[block.id]!, parameters);
    for (const [index, value] of fn.parameters.entries()) this.#wish(value, index + 1, 1);
  }

  /** For each register, how much is saved by choosing it for the interval; good until the next call. */
  scores(interval: Interval): Float64Array {
    const scores = this.#scores.fill(0);
    const { value, parts } = interval.whole;
    for (const { register, weight } of this.#wishes.get(value) ?? []) scores[register]! += weight;
    for (const { other, after, weight } of this.#relations.get(value) ?? []) {
      const direct = this.#registerOf(other, after);
      if (direct !== undefined) scores[direct]! += weight;
      else this.#addSiblings(scores, value, other, weight);
    }
    for (const part of parts) {
      if (part !== interval && typeof part.place === "object") scores[part.place.register]! += 0.5;
    }
    return scores;
  }

  /** The far side has no register yet: those that are to share with it count instead. */
  #addSiblings(scores: Float64Array, value: VirtualRegister, through: VirtualRegister, weight: number): void {
    for (const { register, weight: wish } of this.#wishes.get(through) ?? []) {
      scores[register]! += Math.min(wish, weight) / 2;
    }
    for (const { other, after } of this.#relations.get(through) ?? []) {
      const register = other === value ? undefined : this.#registerOf(other, after);
      if (register !== undefined) scores[register]! += weight / 2;
    }
  }

  /** The register in which the value starts, or the one in which it ends. */
  #registerOf(value: VirtualRegister, atStart: boolean): Register | undefined {
    const parts = this.#intervals.get(value)?.whole.parts ?? [];
    const hasRegister = (one: Interval): boolean => typeof one.place === "object";
    const part = atStart ? parts.find(hasRegister) : parts.findLast(hasRegister);
    return part && typeof part.place === "object" ? part.place.register : undefined;
  }

  #addBlock(block: MachineBlock, frequency: number, parameters: ReadonlyMap<number, readonly VirtualRegister[]>): void {
    const { terminator } = block;
    const edges = machineEdges(terminator);
    for (const edge of edges) {
      for (const [index, arg] of edge.args.entries()) {
        if (arg.kind === "value") {
          this.#relate(arg.value, parameters.get(edge.block)![index]!, frequency / edges.length);
        }
      }
    }
    if (terminator.kind === "return" && terminator.source.kind === "value") {
      this.#wish(terminator.source.value, 0, frequency);
    }
    for (const instruction of [...block.instructions].reverse()) {
      if (instruction.kind === "call") {
        for (const [index, arg] of instruction.args.entries()) {
          if (arg.kind === "value") this.#wish(arg.value, index + 1, frequency);
        }
        this.#wish(instruction.result, 0, frequency);
      }
      const tied = tiedSource(instruction);
      const result = machineResult(instruction);
      if (tied?.kind === "value" && result !== undefined) this.#relate(tied.value, result, frequency);
      if (instruction.kind === "atomic" && instruction.expected) {
        if (instruction.expected.kind === "value") this.#wish(instruction.expected.value, 0, frequency);
        this.#wish(instruction.result!, 0, frequency);
      }
    }
  }

  #wish(value: VirtualRegister, register: Register, weight: number): void {
    append(this.#wishes, value, { register, weight });
  }

  /** `from` becomes `to`: they save a move in the same register, and what `to` wishes `from` wishes a little too. */
  #relate(from: VirtualRegister, to: VirtualRegister, weight: number): void {
    append(this.#relations, from, { other: to, after: true, weight });
    append(this.#relations, to, { other: from, after: false, weight });
    for (const wish of (this.#wishes.get(to) ?? []).slice(0, longestChain)) {
      this.#wish(from, wish.register, Math.min(wish.weight, weight) * 0.75);
    }
  }
}

function append<T>(lists: Map<VirtualRegister, T[]>, key: VirtualRegister, item: T): void {
  const list = lists.get(key);
  if (list) list.push(item);
  else lists.set(key, [item]);
}
