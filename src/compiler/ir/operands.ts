import type { Block, Edge, Instruction, IrFunction, Terminator, Value } from "./ir.ts";

/** The value that the instruction defines, if any. */
export function resultOf(instruction: Instruction): Value | undefined {
  return instruction.kind === "store" ? undefined : instruction.result;
}

/** The values that the instruction reads, in the order of its fields. */
export function operandsOf(instruction: Instruction): readonly Value[] {
  switch (instruction.kind) {
    case "const":
    case "mapAddress":
    case "mapValueAddress":
    case "functionAddress":
    case "slotAddress":
      return [];
    case "binary":
      return [instruction.left, instruction.right];
    case "unary":
      return [instruction.value];
    case "address":
      return [instruction.base, instruction.index];
    case "load":
      return [instruction.base];
    case "store":
      return [instruction.base, instruction.value];
    case "atomic":
      return instruction.expected === undefined
        ? [instruction.base, instruction.value]
        : [instruction.base, instruction.value, instruction.expected];
    case "callHelper":
    case "callKfunc":
    case "callFunction":
      return instruction.args;
  }
}

/** The instruction with `map` applied to the values that it reads; the same object when none of them changes. */
export function mapOperands(instruction: Instruction, map: (value: Value) => Value): Instruction {
  if (operandsOf(instruction).every((value) => map(value) === value)) return instruction;
  switch (instruction.kind) {
    case "const":
    case "mapAddress":
    case "mapValueAddress":
    case "functionAddress":
    case "slotAddress":
      return instruction;
    case "binary":
      return { ...instruction, left: map(instruction.left), right: map(instruction.right) };
    case "unary":
      return { ...instruction, value: map(instruction.value) };
    case "address":
      return { ...instruction, base: map(instruction.base), index: map(instruction.index) };
    case "load":
      return { ...instruction, base: map(instruction.base) };
    case "store":
      return { ...instruction, base: map(instruction.base), value: map(instruction.value) };
    case "atomic": {
      const changed = { ...instruction, base: map(instruction.base), value: map(instruction.value) };
      return instruction.expected === undefined ? changed : { ...changed, expected: map(instruction.expected) };
    }
    case "callHelper":
    case "callKfunc":
    case "callFunction":
      return { ...instruction, args: instruction.args.map(map) };
  }
}

/** The values that the terminator itself reads; arguments of its edges are not among them. */
export function terminatorOperands(terminator: Terminator): readonly Value[] {
  switch (terminator.kind) {
    case "jump":
    case "mayGoto":
      return [];
    case "branch":
      return [terminator.left, terminator.right];
    case "return":
      return [terminator.value];
  }
}

/** The edges that leave a block, the taken one first. */
export function edgesOf(terminator: Terminator): readonly Edge[] {
  switch (terminator.kind) {
    case "jump":
      return [terminator.to];
    case "branch":
    case "mayGoto":
      return [terminator.then, terminator.otherwise];
    case "return":
      return [];
  }
}

/** The terminator with `map` applied to its own operands and to the arguments of its edges. */
export function mapTerminator(terminator: Terminator, map: (value: Value) => Value): Terminator {
  const mapped = mapEdges(terminator, (edge) =>
    edge.args.every((value) => map(value) === value) ? edge : { block: edge.block, args: edge.args.map(map) },
  );
  switch (mapped.kind) {
    case "jump":
    case "mayGoto":
      return mapped;
    case "branch":
      return map(mapped.left) === mapped.left && map(mapped.right) === mapped.right
        ? mapped
        : { ...mapped, left: map(mapped.left), right: map(mapped.right) };
    case "return":
      return map(mapped.value) === mapped.value ? mapped : { ...mapped, value: map(mapped.value) };
  }
}

/** The terminator with `map` applied to each of its edges. */
export function mapEdges(terminator: Terminator, map: (edge: Edge) => Edge): Terminator {
  switch (terminator.kind) {
    case "jump": {
      const to = map(terminator.to);
      return to === terminator.to ? terminator : { ...terminator, to };
    }
    case "branch":
    case "mayGoto": {
      const then = map(terminator.then);
      const otherwise = map(terminator.otherwise);
      return then === terminator.then && otherwise === terminator.otherwise
        ? terminator
        : { ...terminator, then, otherwise };
    }
    case "return":
      return terminator;
  }
}

/** Blocks by id. */
export function blocksById(fn: IrFunction): (Block | undefined)[] {
  const blocks: (Block | undefined)[] = new Array(fn.blockCount).fill(undefined);
  for (const block of fn.blocks) blocks[block.id] = block;
  return blocks;
}
