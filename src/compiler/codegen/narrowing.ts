import type { Graph } from "../ir/graph.ts";
import type { Instruction, Value } from "../ir/ir.ts";
import { edgesOf, forEachOperand, terminatorOperands } from "../ir/operands.ts";

type Binary = Extract<Instruction, { kind: "binary" }>;

/** Operations whose low half depends on the low halves of their operands only. */
const lowHalves: ReadonlySet<string> = new Set(["add", "sub", "mul", "and", "or", "xor"]);

/**
 * 64-bit operations that may be done in 32 bits: of their result only the low half is read, and somebody clears the
 * high half, which the 32-bit form does for nothing. Only on numbers: the kernel refuses 32-bit pointer arithmetic.
 */
export function narrowedOperations(
  graph: Graph,
  definitions: readonly (Instruction | undefined)[],
): ReadonlySet<Instruction> {
  const cleared = new Set<Value>();
  const wide = new Set<Value>();
  for (const block of graph.order) {
    for (const i of block.instructions) {
      if (i.kind === "unary" && i.op === "zext32") cleared.add(i.value);
      forEachOperand(i, (value) => {
        if (readsHighHalf(i, value, definitions)) wide.add(value);
      });
    }
    const { terminator } = block;
    if (terminator.kind !== "branch" || terminator.width === 64) {
      for (const value of terminatorOperands(terminator)) wide.add(value);
    }
    for (const edge of edgesOf(terminator)) for (const value of edge.args) wide.add(value);
  }
  const narrowed = new Set<Instruction>();
  for (const value of cleared) {
    const i = definitions[value];
    if (wide.has(value) || i?.kind !== "binary" || i.width === 32 || !lowHalves.has(i.op)) continue;
    if (isNumber(i.left, definitions) && isNumber(i.right, definitions)) narrowed.add(i);
  }
  return narrowed;
}

function readsHighHalf(i: Instruction, value: Value, definitions: readonly (Instruction | undefined)[]): boolean {
  switch (i.kind) {
    case "unary":
      return i.op === "neg" || i.op === "bswap64" || i.op === "remember";
    case "binary":
      return i.width === 64 && !clearsHighHalf(i, value, definitions);
    case "store":
      return i.base === value || i.size === 8;
    case "atomic":
      return i.base === value || i.size === 8;
    default:
      return true;
  }
}

function clearsHighHalf(i: Binary, value: Value, definitions: readonly (Instruction | undefined)[]): boolean {
  const other = definitions[i.left === value ? i.right : i.left];
  return i.op === "and" && other?.kind === "const" && other.value <= 0xffff_ffffn;
}

/** Whether the value is for sure no address. */
function isNumber(value: Value, definitions: readonly (Instruction | undefined)[]): boolean {
  const i = definitions[value];
  switch (i?.kind) {
    case "const":
    case "unary":
      return true;
    case "binary":
      // The difference of two addresses is a number; others are not made of addresses.
      return true;
    case "load":
      return i.region === "packet" || i.region === "map" || (i.region === "context" && i.size < 4);
    case "atomic":
      return true;
    default:
      return false;
  }
}
