import type { Graph } from "../ir/graph.ts";
import type { Instruction } from "../ir/ir.ts";
import { edgesOf } from "../ir/operands.ts";

type Binary = Extract<Instruction, { kind: "binary" }>;

export interface KnownInstructions {
  /** By value. */
  readonly definitions: readonly (Instruction | undefined)[];
  readonly narrowed: ReadonlySet<Instruction>;
}

/**
 * How many low bits of each value may be other than zero **as far as the verifier can tell**, 0..64: what makes
 * zero-extensions needless and lets a 64-bit comparison be a 32-bit one. A zero-extension of a quotient or of a value
 * shifted by a variable is what tells the verifier of its bound, needless as it is to the machine.
 *
 * `narrowed` operations are done in 32 bits. Never below 64 for what may be an address: 4-byte fields of the context
 * such as `data` hold one although the load says u32, and the kernel refuses 32-bit operations on it.
 */
export function bitWidths(graph: Graph, { definitions, narrowed }: KnownInstructions): Uint8Array {
  const bits = new Uint8Array(graph.fn.valueCount);
  for (const value of graph.fn.parameters) bits[value] = 64;
  for (let changed = true; changed; ) {
    changed = false;
    for (const block of graph.order) {
      for (const instruction of block.instructions) {
        if (instruction.kind !== "store" && instruction.result !== undefined) {
          const width = widthOf(instruction, bits, definitions);
          bits[instruction.result] = narrowed.has(instruction) ? Math.min(width, 32) : width;
        }
      }
      for (const edge of edgesOf(block.terminator)) {
        const { parameters } = graph.blocks[edge.block]!;
        for (let index = 0; index < parameters.length; index++) {
          const parameter = parameters[index]!;
          // In coarse steps, so that a counter's width settles after a few rounds.
          const width = stepUp(bits[edge.args[index]!]!);
          if (width <= bits[parameter]!) continue;
          bits[parameter] = width;
          changed = true;
        }
      }
    }
  }
  return bits;
}

function stepUp(bits: number): number {
  if (bits <= 1) return bits;
  if (bits <= 8) return 8;
  if (bits <= 16) return 16;
  return bits <= 32 ? 32 : 64;
}

function widthOf(i: Instruction, bits: Uint8Array, definitions: KnownInstructions["definitions"]): number {
  switch (i.kind) {
    case "const":
      return bitLength(i.value);
    case "binary":
      return binaryWidth(i, bits, definitions[i.right]?.kind === "const");
    case "unary":
      return unaryWidth(i, bits[i.value]!);
    case "load":
      return i.signed || (i.region === "context" && i.size >= 4) ? 64 : i.size * 8;
    case "atomic":
      return i.size * 8;
    case "store":
    case "mapAddress":
    case "mapValueAddress":
    case "functionAddress":
    case "slotAddress":
    case "hiddenZero":
    case "address":
    case "callHelper":
    case "callKfunc":
    case "callFunction":
      return 64;
  }
}

function bitLength(value: bigint): number {
  return value <= 0xffff_ffffn ? 32 - Math.clz32(Number(value)) : value.toString(2).length;
}

function unaryWidth(i: Extract<Instruction, { kind: "unary" }>, source: number): number {
  switch (i.op) {
    case "zext8":
      return Math.min(source, 8);
    case "zext16":
      return Math.min(source, 16);
    case "zext32":
      return Math.min(source, 32);
    case "sext8":
      return source < 8 ? source : 64;
    case "sext16":
      return source < 16 ? source : 64;
    case "sext32":
      return source < 32 ? source : 64;
    case "bswap16":
      // Unknown to the verifier, and an index may rely on the extension's 16 bits; on 32 bits none does.
      return 64;
    case "bswap32":
    case "neg32":
      return 32;
    case "bswap64":
    case "neg":
      return 64;
    case "remember":
      return source;
  }
}

function binaryWidth(i: Binary, bits: Uint8Array, isConstant: boolean): number {
  const left = Math.min(bits[i.left]!, i.width);
  const right = Math.min(bits[i.right]!, i.width);
  return Math.min(i.width, resultWidth(i, left, right, isConstant));
}

function resultWidth(i: Binary, left: number, right: number, isConstant: boolean): number {
  switch (i.op) {
    case "add":
      return Math.max(left, right) + 1;
    case "mul":
      return left + right;
    case "and":
      return Math.min(left, right);
    case "or":
    case "xor":
      return Math.max(left, right);
    case "lshr":
      return isConstant ? left : i.width;
    case "ashr":
      return left < i.width ? left : i.width;
    case "udiv":
    case "umod":
    case "sub":
    case "shl":
    case "sdiv":
    case "smod":
      return i.width;
  }
}
