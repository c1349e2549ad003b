import { packPosition } from "../hir/position.ts";
import type { Block, IrFunction, IrProgram, StackSlot, Value } from "./ir.ts";
import { edgesOf, resultOf } from "./operands.ts";
import { parseInstruction, parseTerminator, terminatorWords } from "./parse-instruction.ts";
import { LineScanner } from "./scanner.ts";

/**
 * Reads the form that `printIr` writes; `#` and `;` begin comments. The result is not verified.
 * @throws IovisorError E_FORMAT with the line for text that is not well formed.
 */
export function parseIr(text: string): IrProgram {
  const lines = new Lines(text);
  const head = lines.next();
  head.expect("program");
  const name = head.word();
  head.end();
  const functions: IrFunction[] = [];
  while (!lines.done) functions.push(parseFunction(lines));
  return { name, functions };
}

class Lines {
  readonly #lines: LineScanner[];
  #index = 0;

  constructor(text: string) {
    this.#lines = text
      .split("\n")
      .map((line, index) => new LineScanner(line, index + 1))
      .filter((line) => line.peek() !== "" || !line.done);
  }

  get done(): boolean {
    return this.#index >= this.#lines.length;
  }

  peek(): LineScanner {
    const line = this.#lines[this.#index];
    if (!line) throw new LineScanner("", this.#lines.length).error("the text ends too early");
    return line;
  }

  next(): LineScanner {
    const line = this.peek();
    this.#index++;
    return line;
  }
}

function parseFunction(lines: Lines): IrFunction {
  const head = lines.next();
  const linkage = head.word();
  if (linkage !== "global" && linkage !== "static") throw head.error("global or static expected");
  const asynchronous = head.peek() === "asynchronous" && head.word() === "asynchronous";
  head.expect("function");
  const name = head.word();
  head.expect("(");
  const parameters = head.list(")", () => parseParameter(head));
  head.expect("{");
  head.end();
  const slots: StackSlot[] = [];
  while (lines.peek().peek() === "slot") slots.push(parseSlot(lines.next()));
  const blocks: Block[] = [];
  while (lines.peek().peek() !== "}") blocks.push(parseBlock(lines));
  lines.next();
  const fn: IrFunction = {
    name,
    linkage,
    ...(asynchronous ? { asynchronous } : {}),
    parameters: parameters.map(({ value }) => value),
    parameterKinds: parameters.map(({ kind }) => kind),
    blocks,
    slots,
    valueCount: 0,
    blockCount: 0,
  };
  countIds(fn);
  return fn;
}

function parseParameter(line: LineScanner): { value: Value; kind: "context" | "integer" | "address" } {
  const value = line.id("v");
  line.expect(":");
  const kind = line.word();
  if (kind !== "context" && kind !== "integer" && kind !== "address") {
    throw line.error("context, integer or address expected");
  }
  return { value, kind };
}

function parseSlot(line: LineScanner): StackSlot {
  line.expect("slot");
  const id = line.id("s");
  line.expect(":");
  const size = line.small();
  line.expect("align");
  const align = line.small();
  line.end();
  return { id, size, align };
}

function parseBlock(lines: Lines): Block {
  const head = lines.next();
  const id = head.id("b");
  const parameters = head.take("(") ? head.list(")", () => head.id("v")) : [];
  head.expect(":");
  head.end();
  const instructions: Block["instructions"] = [];
  for (;;) {
    const line = lines.next();
    if (terminatorWords.has(line.peek())) {
      const terminator = parseTerminator(line, (of) => parsePosition(of));
      return { id, parameters, instructions, terminator };
    }
    instructions.push(parseInstruction(line, (of) => parsePosition(of)));
  }
}

/** ` @source:line:column`, or nothing; then the line ends. */
function parsePosition(line: LineScanner): number {
  let at = 0;
  if (line.take("@")) {
    const source = line.small();
    line.expect(":");
    const row = line.small();
    line.expect(":");
    at = packPosition(source, row, line.small());
  }
  line.end();
  return at;
}

function countIds(fn: IrFunction): void {
  const value = (id: Value): void => {
    fn.valueCount = Math.max(fn.valueCount, id + 1);
  };
  fn.parameters.forEach(value);
  for (const block of fn.blocks) {
    block.parameters.forEach(value);
    for (const instruction of block.instructions) value(resultOf(instruction) ?? -1);
    for (const id of [block.id, ...edgesOf(block.terminator).map((edge) => edge.block)]) {
      fn.blockCount = Math.max(fn.blockCount, id + 1);
    }
  }
}
