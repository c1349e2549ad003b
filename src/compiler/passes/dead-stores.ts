import { helperRow } from "../ir/helpers.ts";
import type { Block, Instruction, IrFunction, Value } from "../ir/ir.ts";
import { type Definitions, definitionsOf } from "./definitions.ts";

/** Removes stores to the stack that a later store in the same block covers before anything reads them. */
export function removeDeadStores(fn: IrFunction): boolean {
  const definitions = definitionsOf(fn);
  let changed = false;
  for (const block of fn.blocks) changed = removeInBlock(definitions, block) || changed;
  return changed;
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

function mayReadStack(instruction: Instruction): boolean {
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
