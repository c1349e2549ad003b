import type { Instruction, IrFunction, Value } from "../ir/ir.ts";
import { resultOf } from "../ir/operands.ts";

/** The instruction that defines each value; undefined for parameters. */
export type Definitions = readonly (Instruction | undefined)[];

export function definitionsOf(fn: IrFunction): (Instruction | undefined)[] {
  const definitions = new Array<Instruction | undefined>(fn.valueCount).fill(undefined);
  for (const block of fn.blocks) {
    for (const instruction of block.instructions) {
      const result = resultOf(instruction);
      if (result !== undefined) definitions[result] = instruction;
    }
  }
  return definitions;
}

export function constantOf(definitions: Definitions, value: Value): bigint | undefined {
  const definition = definitions[value];
  return definition?.kind === "const" ? definition.value : undefined;
}

/** Values that stand for other ones; chains are followed. */
export class Replacements {
  readonly #to: Int32Array;
  #size = 0;

  constructor(fn: IrFunction) {
    this.#to = new Int32Array(fn.valueCount).fill(-1);
  }

  get size(): number {
    return this.#size;
  }

  set(from: Value, to: Value): void {
    this.#to[from] = to;
    this.#size++;
  }

  readonly resolve = (value: Value): Value => {
    let current = value;
    for (let next = this.#to[current]!; next >= 0; next = this.#to[current]!) current = next;
    return current;
  };
}
