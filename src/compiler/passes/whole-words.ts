import type { Block, Instruction, IrFunction, Value } from "../ir/ir.ts";
import { isStackStore, mayReadStack } from "./dead-stores.ts";
import { type Definitions, definitionsOf } from "./definitions.ts";

type Store = Extract<Instruction, { kind: "store" }>;

const wordSize = 8;

/**
 * Where narrower stores fill a word of the stack, one of the whole word goes ahead. To the verifier (kernel/bpf,
 * liveness.c; verifier.c before Linux 6.18) nothing else ends what the word held before: a key that is put together of
 * two halves, anywhere in a program, would make what its words held at every function's start matter, and the verifier
 * walk the functions once for each.
 */
export function claimWords(fn: IrFunction): boolean {
  const blocks = fn.blocks.filter(({ instructions }) => instructions.filter(isStackStore).length > 1);
  if (blocks.length === 0) return false;
  const definitions = definitionsOf(fn);
  let changed = false;
  for (const block of blocks) changed = claimInBlock(fn, definitions, block) || changed;
  return changed;
}

function claimInBlock(fn: IrFunction, definitions: Definitions, block: Block): boolean {
  const claimed = new Map<Instruction, number>();
  const words = new Map<string, Store[]>();
  const finish = (): void => {
    for (const stores of words.values()) {
      if (fills(stores)) claimed.set(stores[0]!, Math.floor(stores[0]!.offset / wordSize) * wordSize);
    }
    words.clear();
  };
  for (const instruction of block.instructions) {
    if (instruction.kind === "store" && instruction.region === "stack") {
      if (!isAligned(fn, definitions, instruction.base)) continue;
      const key = `${instruction.base} ${Math.floor(instruction.offset / wordSize)}`;
      words.set(key, [...(words.get(key) ?? []), instruction]);
    } else if (mayReadStack(instruction)) {
      finish();
    }
  }
  finish();
  if (claimed.size === 0) return false;
  block.instructions = block.instructions.flatMap((instruction) => {
    const offset = claimed.get(instruction);
    return offset === undefined ? [instruction] : [...zeroed(fn, instruction as Store, offset), instruction];
  });
  return true;
}

/** Whether stores that do not lie across words fill one, and the first of them not all of it. */
function fills(stores: readonly Store[]): boolean {
  if (stores[0]!.size === wordSize) return false;
  const bytes = new Set(stores.flatMap(({ offset, size }) => Array.from({ length: size }, (_, at) => offset + at)));
  const start = Math.floor(stores[0]!.offset / wordSize) * wordSize;
  return Array.from({ length: wordSize }, (_, at) => start + at).every((byte) => bytes.has(byte));
}

/** Whether a base is a slot whose words are words of the stack. */
function isAligned(fn: IrFunction, definitions: Definitions, base: Value): boolean {
  const definition = definitions[base];
  if (definition?.kind !== "slotAddress") return false;
  return fn.slots.some(({ id, align }) => id === definition.slot && align % wordSize === 0);
}

function zeroed(fn: IrFunction, { base, region, at }: Store, offset: number): readonly Instruction[] {
  const value = fn.valueCount++;
  return [
    { kind: "const", result: value, value: 0n, at },
    { kind: "store", size: wordSize, base, offset, value, region, at },
  ];
}
