import { graphOf } from "./graph.ts";
import type { Block, Edge, IrFunction, Value } from "./ir.ts";
import { forEachOperand, forEachTerminatorValue, mapEdges, mapTerminator, replaceInstructions } from "./operands.ts";
import { type FinishedPhi, SsaConstruction } from "./ssa.ts";

/** Values that have got further definitions: for each, what it is at the end of the blocks that define it. */
export type Redefinitions = ReadonlyMap<Value, ReadonlyMap<number, Value>>;

/**
 * Makes SSA form whole again after blocks were copied: each use of such a value in a block that does not define it
 * becomes the definition that reaches it, by block parameters where several do. Drops unreachable blocks.
 *
 * @throws Error when a use is reached without a definition: the copy left out a way.
 */
export function repairSsa(fn: IrFunction, redefinitions: Redefinitions): void {
  const { order, predecessors } = graphOf(fn);
  fn.blocks = [...order];
  const ssa = new SsaConstruction<Value>(
    () => fn.valueCount++,
    () => {
      throw new Error(`${fn.name}: a copied value is used where none of its definitions reaches`);
    },
  );
  for (const { id } of order) {
    for (const from of predecessors[id]!) ssa.addEdge(from, id);
    ssa.sealBlock(id);
  }
  for (const [value, byBlock] of redefinitions) {
    for (const [block, definition] of byBlock) ssa.writeVariable(value, block, definition);
  }
  const reads = order.map((block) => readUses(block, redefinitions, ssa));
  for (const [index, block] of order.entries()) {
    const read = reads[index];
    if (!read) continue;
    const map = (value: Value): Value => ssa.resolve(read.get(value) ?? value);
    replaceInstructions(block, map);
    block.terminator = mapTerminator(block.terminator, map);
  }
  addParameters(order, ssa.finish());
}

/** What each redefined value that the block uses, and does not define itself, is there; undefined for none of them. */
function readUses(
  block: Block,
  redefinitions: Redefinitions,
  ssa: SsaConstruction<Value>,
): ReadonlyMap<Value, Value> | undefined {
  let read: Map<Value, Value> | undefined;
  const use = (value: Value): void => {
    const byBlock = redefinitions.get(value);
    if (!byBlock || byBlock.has(block.id) || read?.has(value)) return;
    read ??= new Map();
    read.set(value, ssa.readVariable(value, block.id));
  };
  for (const instruction of block.instructions) forEachOperand(instruction, use);
  forEachTerminatorValue(block.terminator, use);
  return read;
}

function addParameters(blocks: readonly Block[], phis: ReadonlyMap<number, readonly FinishedPhi[]>): void {
  if (phis.size === 0) return;
  for (const block of blocks) {
    block.parameters.push(...(phis.get(block.id) ?? []).map(({ value }) => value));
    block.terminator = mapEdges(block.terminator, (edge): Edge => {
      const added = phis.get(edge.block);
      return added
        ? { block: edge.block, args: [...edge.args, ...added.map((phi) => phi.argumentOf(block.id))] }
        : edge;
    });
  }
}
