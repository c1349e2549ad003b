import { type Dominators, dominatorsOf } from "./dominators.ts";
import { type Graph, graphOf } from "./graph.ts";
import { helperArguments } from "./helpers.ts";
import type { Block, Instruction, IrFunction, IrProgram, Value } from "./ir.ts";
import { blocksById, edgesOf, operandsOf, resultOf, terminatorOperands } from "./operands.ts";
import { printInstruction, printTerminator } from "./text.ts";

/** Every rule of the IR that the program breaks, as sentences; none for a program that is well formed. */
export function verifyIr(program: IrProgram): string[] {
  const problems: string[] = [];
  const names = new Set(program.functions.map((fn) => fn.name));
  if (program.functions.length === 0) problems.push("the program has no function");
  if (names.size !== program.functions.length) problems.push("two functions have the same name");
  for (const fn of program.functions) {
    problems.push(...new Verification(fn, program).run().map((problem) => `${fn.name}: ${problem}`));
  }
  return problems;
}

/** @throws Error with all problems: a pass or the lowering made a program that is not well formed. */
export function assertIr(program: IrProgram): void {
  const problems = verifyIr(program);
  if (problems.length > 0) throw new Error(`IR is not well formed:\n${problems.join("\n")}`);
}

interface Definition {
  readonly block: number;
  /** -1 for parameters. */
  readonly index: number;
}

class Verification {
  readonly #fn: IrFunction;
  readonly #program: IrProgram;
  readonly #problems: string[] = [];
  readonly #definitions = new Map<Value, Definition>();
  readonly #blocks: readonly (Block | undefined)[];

  constructor(fn: IrFunction, program: IrProgram) {
    this.#fn = fn;
    this.#program = program;
    this.#blocks = blocksById(fn);
  }

  run(): readonly string[] {
    this.#checkFrame();
    this.#checkDefinitions();
    for (const block of this.#fn.blocks) this.#checkBlock(block);
    // Without sound edges there is no dominance to speak of.
    if (this.#problems.length === 0) this.#checkDominance();
    return this.#problems;
  }

  #checkFrame(): void {
    const { parameters, parameterKinds, slots, blocks, blockCount } = this.#fn;
    if (parameters.length > 5) this.#report("more than five parameters");
    if (parameters.length !== parameterKinds.length) this.#report("parameters and their kinds differ in number");
    for (const [index, { id, size, align }] of slots.entries()) {
      if (id !== index) this.#report(`slot s${id} stands at place ${index}`);
      if (!Number.isInteger(size) || size <= 0) this.#report(`slot s${id} has size ${size}`);
      if (![1, 2, 4, 8].includes(align)) this.#report(`slot s${id} has alignment ${align}`);
    }
    if (blocks.length === 0) this.#report("no blocks");
    if ((blocks[0]?.parameters.length ?? 0) > 0) this.#report("the entry block has parameters");
    for (const { id } of blocks) {
      if (!Number.isInteger(id) || id < 0 || id >= blockCount) this.#report(`block id ${id} is out of range`);
    }
    if (new Set(blocks.map(({ id }) => id)).size !== blocks.length) this.#report("two blocks have the same id");
  }

  #checkDefinitions(): void {
    const entry = this.#fn.blocks[0]?.id ?? 0;
    for (const value of this.#fn.parameters) this.#define(value, { block: entry, index: -1 });
    for (const block of this.#fn.blocks) {
      for (const value of block.parameters) this.#define(value, { block: block.id, index: -1 });
      for (const [index, instruction] of block.instructions.entries()) {
        const result = resultOf(instruction);
        if (result !== undefined) this.#define(result, { block: block.id, index });
      }
    }
  }

  #define(value: Value, definition: Definition): void {
    if (!Number.isInteger(value) || value < 0 || value >= this.#fn.valueCount) {
      this.#report(`value id ${value} is out of range`);
    }
    if (this.#definitions.has(value)) this.#report(`v${value} is defined twice`);
    this.#definitions.set(value, definition);
  }

  #checkBlock(block: Block): void {
    for (const instruction of block.instructions) {
      const problem = instructionProblem(instruction, this.#fn, this.#program);
      if (problem) this.#report(`b${block.id}: ${printInstruction(instruction)}: ${problem}`);
    }
    for (const edge of edgesOf(block.terminator)) {
      const target = this.#blocks[edge.block];
      const where = `b${block.id}: ${printTerminator(block.terminator)}`;
      if (!target) this.#report(`${where}: block b${edge.block} does not exist`);
      else if (target === this.#fn.blocks[0]) this.#report(`${where}: jumps to the entry block`);
      else if (target.parameters.length !== edge.args.length) {
        this.#report(`${where}: b${edge.block} takes ${target.parameters.length} arguments, not ${edge.args.length}`);
      }
    }
  }

  #checkDominance(): void {
    const graph = graphOf(this.#fn);
    const dominators = dominatorsOf(graph);
    for (const block of graph.order) this.#checkUses(block, graph, dominators);
  }

  #checkUses(block: Block, graph: Graph, dominators: Dominators): void {
    const use = (value: Value, index: number, text: () => string): void => {
      const definition = this.#definitions.get(value);
      const sound =
        definition !== undefined &&
        graph.position[definition.block]! >= 0 &&
        (definition.block === block.id ? definition.index < index : dominators.dominates(definition.block, block.id));
      if (!sound) this.#report(`b${block.id}: ${text()}: v${value} is not defined on every way here`);
    };
    for (const [index, instruction] of block.instructions.entries()) {
      for (const value of operandsOf(instruction)) use(value, index, () => printInstruction(instruction));
    }
    const { terminator } = block;
    const all = [...terminatorOperands(terminator), ...edgesOf(terminator).flatMap((edge) => edge.args)];
    for (const value of all) use(value, block.instructions.length, () => printTerminator(terminator));
  }

  #report(problem: string): void {
    this.#problems.push(problem);
  }
}

function instructionProblem(i: Instruction, fn: IrFunction, program: IrProgram): string | undefined {
  switch (i.kind) {
    case "const":
      return BigInt.asUintN(64, i.value) === i.value ? undefined : "a constant is 0..2^64-1";
    case "slotAddress":
      return fn.slots[i.slot] ? undefined : `there is no slot s${i.slot}`;
    case "functionAddress":
      return program.functions.some(({ name }) => name === i.callee) ? undefined : `there is no function ${i.callee}`;
    case "mapAddress":
    case "mapValueAddress":
      return i.map >= 0 ? undefined : "a map's index is not negative";
    case "load":
      return i.signed && i.size === 8 ? "an 8-byte load is not sign-extended" : offsetProblem(i.offset);
    case "store":
      return offsetProblem(i.offset);
    case "atomic":
      return atomicProblem(i) ?? offsetProblem(i.offset);
    case "callHelper":
    case "callKfunc":
    case "callFunction":
      return callProblem(i, program);
    case "hiddenZero":
    case "binary":
    case "unary":
    case "address":
      return undefined;
  }
}

function offsetProblem(offset: number): string | undefined {
  return Number.isInteger(offset) && Math.abs(offset) < 2 ** 31 ? undefined : "an offset is a signed 32-bit number";
}

function atomicProblem(i: Extract<Instruction, { kind: "atomic" }>): string | undefined {
  const fetches = !["add", "and", "or", "xor"].includes(i.op);
  if (fetches !== (i.result !== undefined)) return "the fetching operations, and only these, have a result";
  if ((i.op === "cmpxchg") !== (i.expected !== undefined)) return "cmpxchg, and only it, has an expected value";
  return undefined;
}

function callProblem(
  i: Extract<Instruction, { kind: "callHelper" | "callKfunc" | "callFunction" }>,
  program: IrProgram,
): string | undefined {
  if (i.args.length > 5) return "a call has at most five arguments";
  if (i.kind === "callHelper") {
    const wanted = helperArguments(i.helper);
    if (wanted === undefined) return `helper ${i.helper} has no row in the table of helpers`;
    return i.args.length === wanted ? undefined : `the helper takes ${wanted} arguments`;
  }
  if (i.kind === "callKfunc") return undefined;
  const callee = program.functions.find(({ name }) => name === i.callee);
  if (!callee) return `there is no function ${i.callee}`;
  return i.args.length === callee.parameters.length
    ? undefined
    : `the function takes ${callee.parameters.length} arguments`;
}
