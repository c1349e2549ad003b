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
 * When the contents of each stack slot matter: from an access to any that can follow it. A slot whose address is put
 * where its uses can no longer be seen (memory, a block parameter, the result) is in use always.
 */
export function slotLifetimes(
  fn: MachineFunction,
  graph: Graph,
  numbering: Numbering,
  slotCount: number,
): (readonly Range[])[] {
  const accesses = new SlotAccesses(slotCount);
  for (const block of fn.blocks) accesses.visit(block, numbering.blockStart[block.id]!);
  return accesses.bySlot.map((byBlock) => (byBlock === "escaped" ? always : activeRanges(byBlock, graph, numbering)));
}

interface Span {
  first: number;
  last: number;
}

type ByBlock = Map<number, Span>;

class SlotAccesses {
  readonly bySlot: (ByBlock | "escaped")[];
  /** Virtual registers that hold an address inside of a slot. */
  readonly #pointers = new Map<VirtualRegister, number>();

  constructor(slotCount: number) {
    this.bySlot = Array.from({ length: slotCount }, () => new Map());
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
        if (i.source.kind === "frame") this.#pointers.set(i.result, i.source.slot);
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
        this.#access(i.base, block, position);
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
    const slot = this.#slotOf(i.left);
    if (slot !== undefined && (i.op === "add" || i.op === "sub")) this.#pointers.set(i.result, slot);
    else this.#escape(i.left);
    if (i.right.kind === "value") this.#escape(i.right);
  }

  #slotOf(source: Source): number | undefined {
    if (source.kind === "frame") return source.slot;
    return source.kind === "value" ? this.#pointers.get(source.value) : undefined;
  }

  #access(base: Source, block: number, position: number): void {
    const slot = this.#slotOf(base);
    const byBlock = slot === undefined ? undefined : this.bySlot[slot];
    if (byBlock === undefined || byBlock === "escaped") return;
    const span = byBlock.get(block);
    if (span) span.last = position;
    else byBlock.set(block, { first: position, last: position });
  }

  #escape(source: Source): void {
    const slot = this.#slotOf(source);
    if (slot !== undefined) this.bySlot[slot] = "escaped";
  }
}

function activeRanges(byBlock: ByBlock, graph: Graph, numbering: Numbering): readonly Range[] {
  const successors = (id: number): readonly number[] => edgesOf(graph.blocks[id]!.terminator).map((edge) => edge.block);
  const behind = reach(byBlock.keys(), successors);
  const ahead = reach(byBlock.keys(), (id) => graph.predecessors[id]!);
  const ranges: Range[] = [];
  for (const { id } of graph.order) {
    const span = byBlock.get(id);
    const entersUsed = behind.has(id);
    const leavesUsed = ahead.has(id);
    if (!span && !(entersUsed && leavesUsed)) continue;
    const from = entersUsed || !span ? numbering.blockStart[id]! : span.first;
    const to = leavesUsed || !span ? numbering.blockEnd[id]! : span.last + step;
    ranges.push({ from, to });
  }
  return ranges.sort((a, b) => a.from - b.from);
}

/** The blocks behind at least one step from any of `from`. */
function reach(from: Iterable<number>, next: (id: number) => readonly number[]): ReadonlySet<number> {
  const reached = new Set<number>();
  const work = [...from].flatMap((id) => next(id));
  for (let id = work.pop(); id !== undefined; id = work.pop()) {
    if (reached.has(id)) continue;
    reached.add(id);
    work.push(...next(id));
  }
  return reached;
}
