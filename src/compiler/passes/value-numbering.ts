import { dominatorsOf } from "../ir/dominators.ts";
import { graphOf } from "../ir/graph.ts";
import { helperRow } from "../ir/helpers.ts";
import {
  type BinaryOp,
  type Block,
  binaryOps,
  type Instruction,
  type IrFunction,
  type MemoryRegion,
  memoryRegions,
  type UnaryOp,
  unaryOps,
  type Value,
} from "../ir/ir.ts";
import { mapOperands, mapTerminator, replaceInstructions, resultOf } from "../ir/operands.ts";
import { type Definitions, definitionsOf, Replacements } from "./definitions.ts";
import { maximumOf } from "./maximum.ts";
import { pairKey } from "./pair-key.ts";

/**
 * Computations that were made before on every path are not made again; so are loads whose memory was not written since.
 *
 * Memory has a version per region. A load's name contains it, so a store, a call or a join of paths that differ makes
 * all older loads of the region unknown; a helper that moves the packet does so for packet and context: no check and no
 * bound is carried over an epoch.
 */
export function numberValues(fn: IrFunction): boolean {
  const graph = graphOf(fn);
  const dominators = dominatorsOf(graph);
  const numbering = new Numbering(fn);
  /** By block id. */
  const versionsAtEnd: (Versions | undefined)[] = [];
  // No recursion: dominator trees may be deep.
  const [entry] = graph.order;
  const work: { readonly id: number; readonly known: number }[] = entry ? [{ id: entry.id, known: 0 }] : [];
  for (let next = work.pop(); next; next = work.pop()) {
    numbering.rewind(next.known);
    const before = graph.predecessors[next.id]!.map((id) => versionsAtEnd[id]);
    numbering.enter(graph.blocks[next.id]!, before);
    versionsAtEnd[next.id] = numbering.versions;
    for (const id of dominators.children[next.id]!.toReversed()) work.push({ id, known: numbering.count });
  }
  if (!numbering.changed) return false;
  for (const block of fn.blocks) {
    replaceInstructions(block, numbering.resolve);
    block.terminator = mapTerminator(block.terminator, numbering.resolve);
  }
  return true;
}

/** By place of the region in `memoryRegions`. */
type Versions = readonly number[];
const placeOf = Object.fromEntries(memoryRegions.map((region, place) => [region, place])) as {
  readonly [R in MemoryRegion]: number;
};

/** The value of a constant, a number where it is small; or what is computed, below zero or as text. */
type Key = bigint | number | string;

function numbered<Op extends string>(ops: readonly Op[], first: number): Readonly<Record<Op, number>> {
  return Object.fromEntries(ops.map((op, index) => [op, first + index])) as Record<Op, number>;
}

/** Numbers for `pairKey`. */
const narrowOperations: Readonly<Record<BinaryOp, number>> = numbered(binaryOps, 0);
const wideOperations: Readonly<Record<BinaryOp, number>> = numbered(binaryOps, binaryOps.length);
const unaryOperations: Readonly<Record<UnaryOp, number>> = numbered(unaryOps, 2 * binaryOps.length);
const addressOperation = 2 * binaryOps.length + unaryOps.length;

class Numbering {
  versions: Versions;
  readonly #definitions: Definitions;
  readonly #replacements: Replacements;
  readonly #known = new Map<Key, Value>();
  /** The keys of what is known, in the order in which they came. */
  readonly #learned: Key[] = [];
  #clock = 0;

  constructor(fn: IrFunction) {
    this.#definitions = definitionsOf(fn);
    this.#replacements = new Replacements(fn);
    this.versions = this.#fresh();
  }

  get changed(): boolean {
    return this.#replacements.size > 0;
  }

  get resolve(): (value: Value) => Value {
    return this.#replacements.resolve;
  }

  /** How much is known: what `rewind` goes back to. */
  get count(): number {
    return this.#learned.length;
  }

  /** Forgets what only the blocks below another one may use. */
  rewind(count: number): void {
    while (this.#learned.length > count) this.#known.delete(this.#learned.pop()!);
  }

  /** Numbers a block. */
  enter({ instructions }: Block, before: readonly (Versions | undefined)[]): void {
    this.versions = this.#join(before);
    let kept = 0;
    for (const original of instructions) {
      const instruction = mapOperands(original, this.resolve);
      const key = this.#keyOf(instruction);
      const result = resultOf(instruction);
      const known = key === undefined ? undefined : this.#known.get(key);
      if (known !== undefined && result !== undefined) {
        this.#replacements.set(result, known);
        continue;
      }
      if (key !== undefined && result !== undefined) this.#learn(key, result);
      this.#touchMemory(instruction);
      instructions[kept++] = instruction;
    }
    if (kept < instructions.length) instructions.length = kept;
  }

  #learn(key: Key, value: Value): void {
    if (this.#known.has(key)) return;
    this.#known.set(key, value);
    this.#learned.push(key);
  }

  #fresh(): Versions {
    return new Array(memoryRegions.length).fill(++this.#clock);
  }

  /** A region that is the same on every way into a block stays known; a way not walked yet comes from a loop. */
  #join(before: readonly (Versions | undefined)[]): Versions {
    const [first] = before;
    if (!first || before.includes(undefined)) return this.#fresh();
    if (before.length === 1) return first;
    const clock = ++this.#clock;
    return first.map((version, place) => (before.every((one) => one![place] === version) ? version : clock));
  }

  #bump(...touched: readonly MemoryRegion[]): void {
    const clock = ++this.#clock;
    const versions = [...this.versions];
    for (const region of touched) versions[placeOf[region]] = clock;
    this.versions = versions;
  }

  /**
   * A later address with a tighter bound is none that was made before: to the verifier, what is tested of the index
   * since does not hold for it (a byte of the packet, and then a word at the same place).
   */
  #addressKey({ base, index, within }: Extract<Instruction, { kind: "address" }>): Key {
    const key = pairKey(addressOperation, base, index);
    const known = this.#known.get(key);
    const before = known === undefined ? undefined : this.#definitions[known];
    if (within === undefined || before?.kind !== "address" || (before.within ?? 0) <= within) return key;
    return `address ${base} ${index} ${within}`;
  }

  /** Equal keys, equal values. */
  #keyOf(instruction: Instruction): Key | undefined {
    switch (instruction.kind) {
      case "const":
        return instruction.value <= 0xffff_ffffn ? Number(instruction.value) : instruction.value;
      case "mapAddress":
        return `map ${instruction.map}`;
      case "mapValueAddress":
        return `mapValue ${instruction.map} ${instruction.offset}`;
      case "slotAddress":
        return `slot ${instruction.slot}`;
      case "hiddenZero":
        return "hiddenZero";
      case "binary":
        return pairKey(
          (instruction.width === 32 ? narrowOperations : wideOperations)[instruction.op],
          instruction.left,
          instruction.right,
        );
      case "unary":
        return pairKey(unaryOperations[instruction.op], instruction.value, 0);
      case "address":
        return this.#addressKey(instruction);
      case "load":
        return this.#loadKey(instruction);
      default:
        return undefined;
    }
  }

  #loadKey(access: {
    readonly base: Value;
    readonly offset: number;
    readonly size: number;
    readonly signed?: boolean;
    readonly region: MemoryRegion;
  }): string {
    const sign = access.signed ? "s" : "u";
    const version = this.versions[placeOf[access.region]];
    return `load ${access.base} ${access.offset} ${sign}${access.size} ${access.region}${version}`;
  }

  #touchMemory(instruction: Instruction): void {
    switch (instruction.kind) {
      case "store": {
        this.#written(instruction.region);
        const fits =
          instruction.size === 8 ||
          maximumOf(this.#definitions, instruction.value) < 1n << BigInt(8 * instruction.size);
        // Another processor or the host may change a map's value; what this program wrote to its own stack stays.
        if (fits && instruction.region === "stack") this.#learn(this.#loadKey(instruction), instruction.value);
        return;
      }
      case "atomic":
        this.#written(instruction.region);
        return;
      case "callHelper": {
        const row = helperRow(instruction.helper);
        if (row.writesMemory) this.#bump(...memoryRegions);
        else if (row.changesPacket) this.#bump("packet", "context");
        return;
      }
      case "callKfunc":
      case "callFunction":
        this.#bump(...memoryRegions);
        return;
      default:
    }
  }

  #written(region: MemoryRegion): void {
    if (region === "unknown") this.#bump(...memoryRegions);
    else this.#bump(region, "unknown");
  }
}
