import type { Instruction, IrFunction, Terminator, Value } from "../ir/ir.ts";
import { constantOf, type Definitions, definitionsOf } from "./definitions.ts";
import { reverseBytes } from "./fold.ts";
import { maximumOf } from "./maximum.ts";

type Binary = Extract<Instruction, { kind: "binary" }>;
type Branch = Extract<Terminator, { kind: "branch" }>;

/** Cheaper forms of the same: shifts for powers of two, constants swapped in place of loaded values. */
export function reduceStrength(fn: IrFunction): boolean {
  const definitions = definitionsOf(fn);
  let changed = false;
  for (const block of fn.blocks) {
    block.instructions = block.instructions.flatMap((instruction) => {
      const replaced = replacement(fn, definitions, instruction);
      for (const made of replaced ?? [])
        if ("result" in made && made.result !== undefined) definitions[made.result] = made;
      changed ||= replaced !== undefined;
      return replaced ?? [instruction];
    });
    if (block.terminator.kind !== "branch") continue;
    const swapped = swapConstant(fn, definitions, block.terminator);
    if (!swapped) continue;
    block.instructions.push(...swapped.added);
    block.terminator = swapped.branch;
    changed = true;
  }
  return changed;
}

function replacement(
  fn: IrFunction,
  definitions: Definitions,
  instruction: Instruction,
): readonly Instruction[] | undefined {
  switch (instruction.kind) {
    case "binary":
      return cheaper(fn, definitions, instruction);
    case "address":
      return reassociated(fn, definitions, instruction);
    default:
      return undefined;
  }
}

/** An index beyond this is not added to a packet's address on its own (MAX_PACKET_OFF). */
const farthestIndex = 0xffffn;

/**
 * base + (x + constant) is (base + x) + constant, whose constant then becomes a displacement. Only where the verifier
 * sees the bound of x: a check of the sum tells it nothing of x.
 */
function reassociated(
  fn: IrFunction,
  definitions: Definitions,
  instruction: Extract<Instruction, { kind: "address" }>,
): readonly Instruction[] | undefined {
  const index = definitions[instruction.index];
  const base = definitions[instruction.base];
  const outer = constantOf(definitions, instruction.index);
  if (outer !== undefined && base?.kind === "address") {
    const inner = constantOf(definitions, base.index);
    if (inner === undefined) return undefined;
    const [sum, constant] = newConstant(fn, inner + outer, instruction.at);
    return [constant, { ...instruction, base: base.base, index: sum }];
  }
  if (index?.kind !== "binary" || index.op !== "add" || index.width !== 64) return undefined;
  const added = constantOf(definitions, index.right);
  if (added === undefined || added > farthestIndex || maximumOf(definitions, index.left) > farthestIndex)
    return undefined;
  const result = fn.valueCount++;
  const variable: Instruction = { ...instruction, result, index: index.left };
  return [variable, { ...instruction, base: result, index: index.right }];
}

function newConstant(fn: IrFunction, value: bigint, at: number): readonly [Value, Instruction] {
  const result = fn.valueCount++;
  return [result, { kind: "const", result, value: BigInt.asUintN(64, value), at }];
}

/** Multiplication, division and remainder by a power of two. */
function cheaper(fn: IrFunction, definitions: Definitions, instruction: Binary): readonly Instruction[] | undefined {
  const right = constantOf(definitions, instruction.right);
  if (right === undefined || right < 2n || (right & (right - 1n)) !== 0n || right >= 1n << BigInt(instruction.width)) {
    return undefined;
  }
  const shift = BigInt(right.toString(2).length - 1);
  switch (instruction.op) {
    case "mul":
      return withConstant(fn, instruction, "shl", shift);
    case "udiv":
      return withConstant(fn, instruction, "lshr", shift);
    case "umod":
      return withConstant(fn, instruction, "and", right - 1n);
    default:
      return undefined;
  }
}

function withConstant(fn: IrFunction, instruction: Binary, op: Binary["op"], value: bigint): readonly Instruction[] {
  const [right, constant] = newConstant(fn, value, instruction.at);
  return [constant, { ...instruction, op, right }];
}

/** `bswap(x) == constant` asks the same as `x == bswap(constant)`; the verifier learns more from it, too. */
function swapConstant(
  fn: IrFunction,
  definitions: Definitions,
  branch: Branch,
): { readonly added: readonly Instruction[]; readonly branch: Branch } | undefined {
  if ((branch.op !== "eq" && branch.op !== "ne") || branch.width !== 64) return undefined;
  const swap = definitions[branch.left];
  const right = constantOf(definitions, branch.right);
  if (right === undefined || swap?.kind !== "unary" || !swap.op.startsWith("bswap")) return undefined;
  const bits = BigInt(swap.op.slice("bswap".length));
  if (right >= 1n << bits || maximumOf(definitions, swap.value) >= 1n << bits) return undefined;
  const [swapped, constant] = newConstant(fn, reverseBytes(right, Number(bits) / 8), branch.at);
  return { added: [constant], branch: { ...branch, left: swap.value, right: swapped } };
}
