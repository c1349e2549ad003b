import { unpackPosition } from "../hir/position.ts";
import { helpers } from "./helpers.ts";
import type { Block, Edge, Instruction, IrFunction, IrProgram, Size, Terminator, Value } from "./ir.ts";

export interface TextOptions {
  /** Puts ` @source:line:column` behind each instruction. Default false. */
  readonly positions?: boolean;
}

/** The program in the textual form that `parse.ts` reads back. */
export function printIr(program: IrProgram, options: TextOptions = {}): string {
  return [`program ${program.name}\n`, ...program.functions.map((fn) => printFunction(fn, options))].join("\n");
}

/** One function in textual form. */
export function printFunction(fn: IrFunction, options: TextOptions = {}): string {
  const parameters = fn.parameters.map((value, index) => `v${value}: ${fn.parameterKinds[index]}`).join(", ");
  const when = fn.asynchronous ? "asynchronous " : "";
  const lines = [`${fn.linkage} ${when}function ${fn.name}(${parameters}) {`];
  for (const slot of fn.slots) lines.push(`  slot s${slot.id}: ${slot.size} align ${slot.align}`);
  for (const block of fn.blocks) lines.push(...printBlock(block, options));
  lines.push("}\n");
  return lines.join("\n");
}

function printBlock(block: Block, options: TextOptions): string[] {
  const parameters = block.parameters.length > 0 ? `(${values(block.parameters)})` : "";
  return [
    `b${block.id}${parameters}:`,
    ...block.instructions.map((one) => `  ${printInstruction(one)}${position(one.at, options)}`),
    `  ${printTerminator(block.terminator)}${position(block.terminator.at, options)}`,
  ];
}

export function printInstruction(instruction: Instruction): string {
  const body = bodyOf(instruction);
  const result = instruction.kind === "store" ? undefined : instruction.result;
  return result === undefined ? body : `v${result} = ${body}`;
}

function bodyOf(i: Instruction): string {
  switch (i.kind) {
    case "const":
      return `const ${constant(i.value)}`;
    case "mapAddress":
      return `map ${i.map}`;
    case "mapValueAddress":
      return `mapvalue ${i.map} + ${i.offset}`;
    case "functionAddress":
      return `function ${i.callee}`;
    case "slotAddress":
      return `slot s${i.slot}`;
    case "hiddenZero":
      return "hiddenzero";
    case "binary":
      return `${i.op}${i.width} v${i.left}, v${i.right}`;
    case "unary":
      return `${i.op} v${i.value}`;
    case "address":
      return `address v${i.base} + v${i.index}${i.within === undefined ? "" : ` within ${i.within}`}`;
    case "load":
      return `load ${sizeName(i.size, i.signed)} ${place(i)}`;
    case "store":
      return `store ${sizeName(i.size, false)} ${place(i)}, v${i.value}`;
    case "atomic": {
      const expected = i.expected === undefined ? "" : `, expected v${i.expected}`;
      return `atomic ${i.op} ${sizeName(i.size, false)} ${place(i)}, v${i.value}${expected}`;
    }
    case "callHelper":
      return `helper ${helperNames.get(i.helper) ?? i.helper}(${values(i.args)})`;
    case "callKfunc":
      return `kfunc ${i.name}(${values(i.args)})`;
    case "callFunction":
      return `call ${i.callee}(${values(i.args)})`;
  }
}

export function printTerminator(terminator: Terminator): string {
  switch (terminator.kind) {
    case "jump":
      return `jump ${edge(terminator.to)}`;
    case "branch": {
      const { op, width, left, right, then, otherwise, likely } = terminator;
      const hint = likely === undefined ? "" : ` likely ${likely}`;
      return `branch ${op}${width} v${left}, v${right} ? ${edge(then)} : ${edge(otherwise)}${hint}`;
    }
    case "mayGoto":
      return `maygoto ${edge(terminator.then)} : ${edge(terminator.otherwise)}`;
    case "return":
      return `return v${terminator.value}`;
  }
}

const helperNames: ReadonlyMap<number, string> = new Map(Object.entries(helpers).map(([name, row]) => [row.id, name]));

function constant(value: bigint): string {
  if (value < 65536n) return String(value);
  const signed = BigInt.asIntN(64, value);
  return signed < 0n && signed >= -65536n ? String(signed) : `0x${value.toString(16)}`;
}

function sizeName(size: Size, signed: boolean): string {
  return `${signed ? "s" : "u"}${size * 8}`;
}

function place(access: Extract<Instruction, { kind: "load" | "store" | "atomic" }>): string {
  const { base, offset, region } = access;
  return `[v${base} ${offset < 0 ? "-" : "+"} ${Math.abs(offset)}] ${region}`;
}

function values(list: readonly Value[]): string {
  return list.map((value) => `v${value}`).join(", ");
}

function edge(to: Edge): string {
  return `b${to.block}${to.args.length > 0 ? `(${values(to.args)})` : ""}`;
}

function position(at: number, options: TextOptions): string {
  if (!options.positions || at === 0) return "";
  const { source, line, column } = unpackPosition(at);
  return ` @${source}:${line}:${column}`;
}
