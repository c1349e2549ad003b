import type { Instruction, Value } from "../ir/ir.ts";
import type { Definitions } from "./definitions.ts";
import { maskCovering } from "./fold.ts";

const whole = (1n << 64n) - 1n;
const low32 = (1n << 32n) - 1n;
const deepest = 8;
const shifts: ReadonlySet<string> = new Set(["shl", "lshr", "ashr"]);
const forgotten: ReadonlySet<string> = new Set(["udiv", "sdiv", "umod", "smod"]);

/**
 * The greatest unsigned value that a register may hold **as the verifier sees it**. It knows less than we do (a byte
 * swap makes a value unknown to it, check_alu_op in kernel/bpf/verifier.c), and what is removed because of a bound
 * must be removable in its eyes too.
 */
export function maximumOf(definitions: Definitions, value: Value, depth = 0): bigint {
  const definition = definitions[value];
  if (!definition || depth > deepest) return whole;
  switch (definition.kind) {
    case "const":
      return definition.value;
    case "load":
      return definition.signed || definition.size === 8 ? whole : (1n << BigInt(definition.size * 8)) - 1n;
    case "unary":
      return maximumOfUnary(definitions, definition, depth);
    case "binary":
      return maximumOfBinary(definitions, definition, depth);
    default:
      return whole;
  }
}

function maximumOfUnary(
  definitions: Definitions,
  { op, value }: Extract<Instruction, { kind: "unary" }>,
  depth: number,
): bigint {
  const bits = op === "zext8" ? 8n : op === "zext16" ? 16n : op === "zext32" ? 32n : undefined;
  if (bits === undefined) return op === "neg32" ? low32 : whole;
  const most = (1n << bits) - 1n;
  const inner = maximumOf(definitions, value, depth + 1);
  return inner < most ? inner : most;
}

function maximumOfBinary(
  definitions: Definitions,
  { op, width, left, right }: Extract<Instruction, { kind: "binary" }>,
  depth: number,
): bigint {
  // The verifier forgets the whole register then, the half that the machine clears too (__mark_reg_unknown).
  const most = width === 32 && !isForgotten(definitions, op, right) ? low32 : whole;
  const a = maximumOf(definitions, left, depth + 1);
  const b = maximumOf(definitions, right, depth + 1);
  const bounded = exactMaximum(definitions, op, a, b, right);
  return bounded !== undefined && bounded <= most && a <= most ? bounded : most;
}

/** Quotients, remainders and shifts by a variable: is_safe_to_compute_dst_reg_range in kernel/bpf/verifier.c. */
function isForgotten(
  definitions: Definitions,
  op: Extract<Instruction, { kind: "binary" }>["op"],
  right: Value,
): boolean {
  return forgotten.has(op) || (shifts.has(op) && definitions[right]?.kind !== "const");
}

function exactMaximum(
  definitions: Definitions,
  op: Extract<Instruction, { kind: "binary" }>["op"],
  a: bigint,
  b: bigint,
  right: Value,
): bigint | undefined {
  const count = definitions[right]?.kind === "const" ? b : undefined;
  switch (op) {
    case "and":
      return a < b ? a : b;
    case "or":
    case "xor":
      return maskCovering(a | b);
    case "add":
      return a + b;
    case "mul":
      // scalar_min_max_mul gives up on operands of more than 32 bits.
      return a <= low32 && b <= low32 ? a * b : undefined;
    case "lshr":
      // A shift by a variable count makes an unknown number (is_safe_to_compute_dst_reg_range).
      return count !== undefined && count < 64n ? a >> count : undefined;
    case "shl":
      return count !== undefined && count < 64n ? a << count : undefined;
    default:
      return undefined;
  }
}
