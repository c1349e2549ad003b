import type { Graph } from "../ir/graph.ts";
import { edgesOf } from "../ir/operands.ts";
import type { Numbering } from "./build-intervals.ts";
import { type Range, step } from "./interval.ts";
import {
  type MachineBlock,
  type MachineFunction,
  type MachineInstruction,
  machineEdges,
  type Source,
  type VirtualRegister,
} from "./machine.ts";

const always: readonly Range[] = [{ from: 0, to: Number.POSITIVE_INFINITY }];

/**
 * When the contents of each stack slot matter: from an access to any that can follow it before the slot is written as a
 * whole. A slot whose address is put where its uses can no longer be seen (memory, a block parameter, the result) is in
 * use always.
 */
export function slotLifetimes(fn: MachineFunction, graph: Graph, numbering: Numbering): (readonly Range[])[] {
  const accesses = new SlotAccesses(graph.fn.slots.map(({ size }) => size));
  for (const block of fn.blocks) accesses.visit(block, numbering.blockStart[block.id]!);
  return accesses.bySlot.map((byBlock) => (byBlock === "escaped" ? always : activeRanges(byBlock, graph, numbering)));
}

/** The accesses to one slot in one block. */
interface Span {
  first: number;
  last: number;
  /** The slot's bytes that are written before anything may read them; undefined once something may have. */
  unread: Set<number> | undefined;
  /** Whether all bytes are written first: what the slot held before the block is of no use in it. */
  overwritten: boolean;
}

type ByBlock = Map<number, Span>;

/** An address inside of a slot; its distance from the beginning where it is known. */
interface Pointer {
  readonly slot: number;
  readonly offset: number | undefined;
}

class SlotAccesses {
  readonly bySlot: (ByBlock | "escaped")[];
  readonly #sizes: readonly number[];
  readonly #pointers = new Map<VirtualRegister, Pointer>();

  constructor(sizes: readonly number[]) {
    this.bySlot = sizes.map(() => new Map());
    this.#sizes = sizes;
  }

  visit(block: MachineBlock, start: number): void {
    let position = start;
    for (const instruction of block.instructions) {
      position += step;
      this.#visitInstruction(instruction, block.id, position);
    }
    const { terminator } = block;
    for (const edge of machineEdges(terminator)) for (const arg of edge.args) this.#escape(arg);
    if (terminator.kind === "return") this.#escape(terminator.source);
  }

  #visitInstruction(i: MachineInstruction, block: number, position: number): void {
    switch (i.kind) {
      case "materialise":
        if (i.source.kind === "frame") this.#pointers.set(i.result, i.source);
        return;
      case "alu":
        this.#derive(i);
        return;
      case "convert":
      case "inPlace":
        this.#escape({ kind: "value", value: i.source });
        return;
      case "load":
        this.#access(i.base, block, position);
        return;
      case "store":
        this.#write(i, block, position);
        if (i.source.kind === "value") this.#escape(i.source);
        return;
      case "atomic":
        this.#access(i.base, block, position);
        this.#escape({ kind: "value", value: i.value });
        if (i.expected) this.#escape(i.expected);
        return;
      case "call":
        for (const arg of i.args) this.#access(arg, block, position);
    }
  }

  #derive(i: Extract<MachineInstruction, { kind: "alu" }>): void {
    const pointer = this.#pointerOf(i.left);
    if (pointer && (i.op === "add" || i.op === "sub")) this.#pointers.set(i.result, { ...pointer, offset: undefined });
    else this.#escape(i.left);
    if (i.right.kind === "value") this.#escape(i.right);
  }

  #pointerOf(source: Source): Pointer | undefined {
    if (source.kind === "frame") return source;
    return source.kind === "value" ? this.#pointers.get(source.value) : undefined;
  }

  /** Reads, or does what cannot be told apart from reading. */
  #access(base: Source, block: number, position: number): void {
    const span = this.#spanOf(this.#pointerOf(base), block, position);
    if (span) span.unread = undefined;
  }

  #write(
    { base, offset, size }: Extract<MachineInstruction, { kind: "store" }>,
    block: number,
    position: number,
  ): void {
    const pointer = this.#pointerOf(base);
    const span = this.#spanOf(pointer, block, position);
    if (!pointer || pointer.offset === undefined || !span?.unread) return;
    for (let byte = 0; byte < size; byte++) span.unread.add(pointer.offset + offset + byte);
    span.overwritten ||= span.unread.size === this.#sizes[pointer.slot];
  }

  /** Undefined where the address is none of a slot, or the slot is in use always. */
  #spanOf(pointer: Pointer | undefined, block: number, position: number): Span | undefined {
    const byBlock = pointer && this.bySlot[pointer.slot];
    if (byBlock === undefined || byBlock === "escaped") return undefined;
    const known = byBlock.get(block);
    if (known) {
      known.last = position;
      return known;
    }
    const span: Span = { first: position, last: position, unread: new Set(), overwritten: false };
    byBlock.set(block, span);
    return span;
  }

  #escape(source: Source): void {
    const pointer = this.#pointerOf(source);
    if (pointer) this.bySlot[pointer.slot] = "escaped";
  }
}

function activeRanges(byBlock: ByBlock, graph: Graph, numbering: Numbering): readonly Range[] {
  const successors = (id: number): readonly number[] => edgesOf(graph.blocks[id]!.terminator).map((edge) => edge.block);
  const overwrites = (id: number): boolean => byBlock.get(id)?.overwritten === true;
  const reading = [...byBlock.keys()].filter((id) => !overwrites(id));
  const behind = reach(byBlock.keys(), successors);
  const ahead = reach(reading, (id) => graph.predecessors[id]!, overwrites);
  const ranges: Range[] = [];
  for (const { id } of graph.order) {
    const span = byBlock.get(id);
    const entersUsed = behind.has(id) && !overwrites(id);
    const leavesUsed = ahead.has(id);
    if (!span && !(entersUsed && leavesUsed)) continue;
    const from = entersUsed || !span ? numbering.blockStart[id]! : span.first;
    const to = leavesUsed || !span ? numbering.blockEnd[id]! : span.last + step;
    ranges.push({ from, to });
  }
  return ranges.sort((a, b) => a.from - b.from);
}

/** The blocks behind at least one step from any of `from`, and not behind one where it ends. */
function reach(
  from: Iterable<number>,
  next: (id: number) => readonly number[],
  ends: (id: number) => boolean = () => false,
): ReadonlySet<number> {
  const reached = new Set<number>();
  const work = [...from].flatMap((id) => next(id));
  for (let id = work.pop(); id !== undefined; id = work.pop()) {
    if (reached.has(id)) continue;
    reached.add(id);
    if (!ends(id)) work.push(...next(id));
  }
  return reached;
}
