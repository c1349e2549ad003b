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
    case "hiddenZero":
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

/** Calls `visit` with each value that the instruction reads, in the order of its fields. */
export function forEachOperand(instruction: Instruction, visit: (value: Value) => void): void {
  switch (instruction.kind) {
    case "const":
    case "mapAddress":
    case "mapValueAddress":
    case "functionAddress":
    case "slotAddress":
    case "hiddenZero":
      return;
    case "binary":
      visit(instruction.left);
      visit(instruction.right);
      return;
    case "unary":
      visit(instruction.value);
      return;
    case "address":
      visit(instruction.base);
      visit(instruction.index);
      return;
    case "load":
      visit(instruction.base);
      return;
    case "store":
      visit(instruction.base);
      visit(instruction.value);
      return;
    case "atomic":
      visit(instruction.base);
      visit(instruction.value);
      if (instruction.expected !== undefined) visit(instruction.expected);
      return;
    case "callHelper":
    case "callKfunc":
    case "callFunction":
      for (const value of instruction.args) visit(value);
  }
}

/** The instruction with `map` applied to the values that it reads; the same object when none of them changes. */
export function mapOperands(instruction: Instruction, map: (value: Value) => Value): Instruction {
  switch (instruction.kind) {
    case "const":
    case "mapAddress":
    case "mapValueAddress":
    case "functionAddress":
    case "slotAddress":
    case "hiddenZero":
      return instruction;
    case "binary": {
      const left = map(instruction.left);
      const right = map(instruction.right);
      return left === instruction.left && right === instruction.right ? instruction : { ...instruction, left, right };
    }
    case "unary": {
      const value = map(instruction.value);
      return value === instruction.value ? instruction : { ...instruction, value };
    }
    case "address": {
      const base = map(instruction.base);
      const index = map(instruction.index);
      return base === instruction.base && index === instruction.index ? instruction : { ...instruction, base, index };
    }
    case "load": {
      const base = map(instruction.base);
      return base === instruction.base ? instruction : { ...instruction, base };
    }
    case "store": {
      const base = map(instruction.base);
      const value = map(instruction.value);
      return base === instruction.base && value === instruction.value ? instruction : { ...instruction, base, value };
    }
    case "atomic":
      return mapAtomic(instruction, map);
    case "callHelper":
    case "callKfunc":
    case "callFunction": {
      const args = mapValues(instruction.args, map);
      return args === instruction.args ? instruction : { ...instruction, args };
    }
  }
}

/** Applies `map` to the values that a block's instructions read. */
export function replaceInstructions({ instructions }: Block, map: (value: Value) => Value): void {
  for (let index = 0; index < instructions.length; index++) {
    instructions[index] = mapOperands(instructions[index]!, map);
  }
}

function mapAtomic(
  instruction: Extract<Instruction, { kind: "atomic" }>,
  map: (value: Value) => Value,
): Extract<Instruction, { kind: "atomic" }> {
  const base = map(instruction.base);
  const value = map(instruction.value);
  const expected = instruction.expected === undefined ? undefined : map(instruction.expected);
  if (base === instruction.base && value === instruction.value && expected === instruction.expected) return instruction;
  return expected === undefined ? { ...instruction, base, value } : { ...instruction, base, value, expected };
}

/** The values with `map` applied; the same array when none of them changes. */
export function mapValues(values: readonly Value[], map: (value: Value) => Value): readonly Value[] {
  return values.every((value) => map(value) === value) ? values : values.map(map);
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

/** Calls `visit` with each value that the terminator reads, those that its edges pass on among them. */
export function forEachTerminatorValue(terminator: Terminator, visit: (value: Value) => void): void {
  switch (terminator.kind) {
    case "jump":
      for (const value of terminator.to.args) visit(value);
      return;
    case "branch":
      visit(terminator.left);
      visit(terminator.right);
      for (const value of terminator.then.args) visit(value);
      for (const value of terminator.otherwise.args) visit(value);
      return;
    case "mayGoto":
      for (const value of terminator.then.args) visit(value);
      for (const value of terminator.otherwise.args) visit(value);
      return;
    case "return":
      visit(terminator.value);
  }
}

/** The terminator with `map` applied to its own operands and to the arguments of its edges. */
export function mapTerminator(terminator: Terminator, map: (value: Value) => Value): Terminator {
  switch (terminator.kind) {
    case "jump": {
      const to = mapArguments(terminator.to, map);
      return to === terminator.to ? terminator : { ...terminator, to };
    }
    case "mayGoto": {
      const then = mapArguments(terminator.then, map);
      const otherwise = mapArguments(terminator.otherwise, map);
      const same = then === terminator.then && otherwise === terminator.otherwise;
      return same ? terminator : { ...terminator, then, otherwise };
    }
    case "branch": {
      const left = map(terminator.left);
      const right = map(terminator.right);
      const then = mapArguments(terminator.then, map);
      const otherwise = mapArguments(terminator.otherwise, map);
      const sameEdges = then === terminator.then && otherwise === terminator.otherwise;
      const same = sameEdges && left === terminator.left && right === terminator.right;
      return same ? terminator : { ...terminator, left, right, then, otherwise };
    }
    case "return": {
      const value = map(terminator.value);
      return value === terminator.value ? terminator : { ...terminator, value };
    }
  }
}

function mapArguments(edge: Edge, map: (value: Value) => Value): Edge {
  const args = mapValues(edge.args, map);
  return args === edge.args ? edge : { block: edge.block, args };
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
