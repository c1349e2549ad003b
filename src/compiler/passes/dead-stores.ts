import { helperRow } from "../ir/helpers.ts";
import type { Block, Instruction, IrFunction, Value } from "../ir/ir.ts";
import { forEachOperand, forEachTerminatorValue } from "../ir/operands.ts";
import { type Definitions, definitionsOf } from "./definitions.ts";

/**
 * Removes stores to the stack that nobody reads: those to a slot of which nothing but stores is made, and those that a
 * later store in the same block covers first. What they leave there would also make states differ for the verifier.
 */
export function removeDeadStores(fn: IrFunction): boolean {
  if (!fn.blocks.some(({ instructions }) => instructions.some(isStackStore))) return false;
  const definitions = definitionsOf(fn);
  let changed = removeUnread(fn, definitions);
  for (const block of fn.blocks) {
    if (block.instructions.filter(isStackStore).length > 1) changed = removeInBlock(definitions, block) || changed;
  }
  return changed;
}

export function isStackStore(instruction: Instruction): boolean {
  return instruction.kind === "store" && instruction.region === "stack";
}

function removeUnread(fn: IrFunction, definitions: Definitions): boolean {
  const read = readSlots(fn, definitions);
  let changed = false;
  const isUnread = (instruction: Instruction): boolean => {
    const slot = instruction.kind === "store" ? slotOf(definitions, instruction.base) : undefined;
    return slot !== undefined && !read.has(slot);
  };
  for (const block of fn.blocks) {
    if (!block.instructions.some(isUnread)) continue;
    block.instructions = block.instructions.filter((instruction) => !isUnread(instruction));
    changed = true;
  }
  return changed;
}

/** Slots whose address does anything else than to say where a store goes. */
function readSlots(fn: IrFunction, definitions: Definitions): ReadonlySet<number> {
  const read = new Set<number>();
  const use = (value: Value): void => {
    const slot = slotOf(definitions, value);
    if (slot !== undefined) read.add(slot);
  };
  for (const { instructions, terminator } of fn.blocks) {
    for (const instruction of instructions) {
      if (instruction.kind === "store") use(instruction.value);
      else forEachOperand(instruction, use);
    }
    forEachTerminatorValue(terminator, use);
  }
  return read;
}

function slotOf(definitions: Definitions, address: Value): number | undefined {
  const definition = definitions[address];
  return definition?.kind === "slotAddress" ? definition.slot : undefined;
}

function removeInBlock(definitions: Definitions, block: Block): boolean {
  const covered = new Map<Value, Set<number>>();
  const kept: Instruction[] = [];
  for (const instruction of block.instructions.toReversed()) {
    if (instruction.kind === "store" && instruction.region === "stack") {
      if (definitions[instruction.base]?.kind !== "slotAddress") covered.clear();
      else if (isCovered(covered, instruction)) continue;
      else cover(covered, instruction);
    } else if (mayReadStack(instruction)) {
      covered.clear();
    }
    kept.push(instruction);
  }
  const changed = kept.length !== block.instructions.length;
  block.instructions = kept.reverse();
  return changed;
}

type Store = Extract<Instruction, { kind: "store" }>;

function bytesOf({ offset, size }: Store): readonly number[] {
  return Array.from({ length: size }, (_, index) => offset + index);
}

function isCovered(covered: ReadonlyMap<Value, ReadonlySet<number>>, store: Store): boolean {
  const bytes = covered.get(store.base);
  return bytes !== undefined && bytesOf(store).every((byte) => bytes.has(byte));
}

function cover(covered: Map<Value, Set<number>>, store: Store): void {
  const bytes = covered.get(store.base) ?? new Set();
  for (const byte of bytesOf(store)) bytes.add(byte);
  covered.set(store.base, bytes);
}

export function mayReadStack(instruction: Instruction): boolean {
  switch (instruction.kind) {
    case "load":
    case "atomic":
      return instruction.region === "stack" || instruction.region === "unknown";
    case "callHelper": {
      const row = helperRow(instruction.helper);
      return row.readsMemory === true || row.writesMemory === true;
    }
    case "callKfunc":
    case "callFunction":
      return true;
    default:
      return false;
  }
}
