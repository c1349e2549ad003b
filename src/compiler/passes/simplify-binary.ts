import type { Instruction } from "../ir/ir.ts";
import { constantOf, type Definitions } from "./definitions.ts";
import { maximumOf } from "./maximum.ts";
import type { Simplified } from "./simplify.ts";

type Binary = Extract<Instruction, { kind: "binary" }>;

const low32 = (1n << 32n) - 1n;
const commutative: ReadonlySet<Binary["op"]> = new Set(["add", "mul", "and", "or", "xor"]);

/** Identities with one constant operand, the constant on the right. */
export function simplifyBinary(definitions: Definitions, instruction: Binary): Simplified {
  const left = constantOf(definitions, instruction.left);
  if (left !== undefined && commutative.has(instruction.op)) {
    return { instruction: { ...instruction, left: instruction.right, right: instruction.left } };
  }
  const right = constantOf(definitions, instruction.right);
  if (right === undefined) return undefined;
  const value = BigInt.asUintN(instruction.width, right);
  if (isIdentity(definitions, instruction, value)) return { value: instruction.left };
  return undefined;
}

/** Whether the operation gives its left operand unchanged; a 32-bit one does so only if the upper half is zero. */
function isIdentity(definitions: Definitions, { op, width, left }: Binary, right: bigint): boolean {
  const most = maximumOf(definitions, left);
  if (width === 32 && most > low32) return false;
  switch (op) {
    case "add":
    case "sub":
    case "or":
    case "xor":
    case "shl":
    case "lshr":
    case "ashr":
      return right === 0n;
    case "mul":
    case "udiv":
      return right === 1n;
    case "and":
      return isMask(right) && most <= right;
    default:
      return false;
  }
}

function isMask(value: bigint): boolean {
  return (value & (value + 1n)) === 0n;
}
