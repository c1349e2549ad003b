import { graphOf } from "../ir/graph.ts";
import type { Block, Instruction, IrFunction, Value } from "../ir/ir.ts";
import { type Facts, forEachBlockWithFacts } from "./correlate.ts";
import { constantOf, type Definitions, definitionsOf } from "./definitions.ts";

type Binary = Extract<Instruction, { kind: "binary" }>;
type Address = Extract<Instruction, { kind: "address" }>;

/** Arithmetic on smaller numbers cannot overflow in the verifier's signed bounds either. */
const greatest = 1n << 62n;
/** MAX_PACKET_OFF, kernel/bpf/verifier.c: no check of a packet's bounds counts behind a greater variable part. */
const farthestIndex = 0xffff;

/**
 * Bounds that follow from a comparison by arithmetic: behind `x < 64` the sum `x + 54` is at most 117. Comparisons that
 * this settles go, and a constant part of an index becomes part of the displacement.
 *
 * The verifier computes the bound of a sum when it comes to the addition, and what a comparison tells of an operand
 * later does not change it. So this is for the end, once: a pass that replaces a computation by an older one
 * (value-numbering.ts) must not run on what it leaves.
 */
export function useDerivedBounds(fn: IrFunction): boolean {
  const definitions = definitionsOf(fn);
  const derived = new Map<Value, bigint>();
  let changed = false;
  forEachBlockWithFacts(graphOf(fn), definitions, (block, facts) => {
    const bounds = new Bounds(definitions, facts, derived);
    for (const instruction of block.instructions) bounds.derive(instruction);
    const instructions = block.instructions.flatMap((instruction) =>
      instruction.kind === "address" ? splitIndex(fn, definitions, bounds, instruction) : [instruction],
    );
    changed ||= instructions.length > block.instructions.length;
    block.instructions = instructions;
    changed = settle(definitions, derived, block) || changed;
  });
  if (changed) fn.blocks = [...graphOf(fn).order];
  return changed;
}

/** Greatest values where a block's instructions run. */
class Bounds {
  readonly #definitions: Definitions;
  readonly #facts: Facts;
  /** Values whose operands were refined before they were computed; the whole function's. */
  readonly #derived: Map<Value, bigint>;

  constructor(definitions: Definitions, facts: Facts, derived: Map<Value, bigint>) {
    this.#definitions = definitions;
    this.#facts = facts;
    this.#derived = derived;
  }

  /** The greatest unsigned value as far as comparisons tell it; undefined when they tell nothing. */
  refined(value: Value): bigint | undefined {
    const compared = this.#facts.interval(value)?.high;
    const computed = this.#derived.get(value);
    if (compared === undefined || computed === undefined) return compared ?? computed;
    return compared < computed ? compared : computed;
  }

  derive(instruction: Instruction): void {
    if (instruction.kind !== "binary" || instruction.width !== 64) return;
    const left = this.refined(instruction.left);
    const right = constantOf(this.#definitions, instruction.right);
    if (left === undefined || right === undefined || left >= greatest || right >= greatest) return;
    const high = highest(instruction.op, left, right);
    if (high !== undefined && high < greatest) this.#derived.set(instruction.result, high);
  }
}

/** The greatest result for operands of at most `left` and exactly `right`, where the verifier has it, too. */
function highest(op: Binary["op"], left: bigint, right: bigint): bigint | undefined {
  switch (op) {
    case "add":
      return left + right;
    case "and":
      return left < right ? left : right;
    case "shl":
      return right < 64n ? left << right : undefined;
    case "lshr":
      return right < 64n ? left >> right : undefined;
    case "mul":
      // scalar_min_max_mul gives up on operands of more than 32 bits.
      return left < 1n << 32n && right < 1n << 32n ? left * right : undefined;
    default:
      return undefined;
  }
}

/**
 * base + (x + constant) is (base + x) + constant, where the checks behind it count: `within` leaves room for the bytes
 * that they ask for.
 */
function splitIndex(fn: IrFunction, definitions: Definitions, bounds: Bounds, address: Address): Instruction[] {
  const sum = definitions[address.index];
  if (sum?.kind !== "binary" || sum.op !== "add" || sum.width !== 64) return [address];
  const constant = constantOf(definitions, sum.right);
  const variable = bounds.refined(sum.left);
  const farthest = BigInt(address.within ?? farthestIndex);
  if (constant === undefined || constant > farthest || variable === undefined) return [address];
  if (variable + constant > farthest) return [address];
  const result = fn.valueCount++;
  return [
    { ...address, result, index: sum.left },
    { ...address, base: result, index: sum.right },
  ];
}

/** A comparison of a derived value with a constant; others are correlate.ts's. */
function settle(definitions: Definitions, derived: ReadonlyMap<Value, bigint>, block: Block): boolean {
  const { terminator } = block;
  if (terminator.kind !== "branch" || terminator.width !== 64) return false;
  const { op, left, right, then, otherwise, at } = terminator;
  const high = derived.get(left);
  const bound = constantOf(definitions, right);
  if (high === undefined || bound === undefined) return false;
  const below = op === "ult" || op === "uge" ? high < bound : high <= bound;
  if (!below || !["ult", "ule", "ugt", "uge"].includes(op)) return false;
  block.terminator = { kind: "jump", to: op === "ult" || op === "ule" ? then : otherwise, at };
  return true;
}
