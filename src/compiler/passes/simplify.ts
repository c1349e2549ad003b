import { graphOf } from "../ir/graph.ts";
import type { Instruction, IrFunction, Terminator, Value } from "../ir/ir.ts";
import { edgesOf, mapEdges, mapOperands, mapTerminator, replaceInstructions, resultOf } from "../ir/operands.ts";
import { constantOf, type Definitions, definitionsOf, Replacements } from "./definitions.ts";
import { foldBinary, foldCompare, foldUnary } from "./fold.ts";
import { maximumOf } from "./maximum.ts";
import { simplifyBinary } from "./simplify-binary.ts";
import { simplifyBranch } from "./simplify-branch.ts";

/** What an instruction becomes: another one for the same result, or a value that is there already. */
export type Simplified = { readonly instruction: Instruction } | { readonly value: Value } | undefined;

/**
 * Constants are computed, identities removed, parameters of blocks that always get one value replaced by it, branches
 * with a known outcome made jumps. One walk over the function; gives whether anything changed.
 */
export function simplify(fn: IrFunction): boolean {
  const definitions = definitionsOf(fn);
  const replacements = new Replacements(fn);
  let changed = mergeParameters(fn, definitions, replacements);
  for (const { instructions } of graphOf(fn).order) {
    let kept = 0;
    for (const original of instructions) {
      const instruction = mapOperands(original, replacements.resolve);
      const result = simplifyInstruction(definitions, instruction);
      if (result && "value" in result) {
        replacements.set(resultOf(instruction)!, result.value);
        changed = true;
        continue;
      }
      const next = result ? result.instruction : instruction;
      instructions[kept++] = next;
      if (next === original) continue;
      changed = true;
      const defined = resultOf(next);
      if (defined !== undefined) definitions[defined] = next;
    }
    if (kept < instructions.length) instructions.length = kept;
  }
  for (const block of fn.blocks) {
    if (replacements.size > 0) replaceInstructions(block, replacements.resolve);
    const mapped = mapTerminator(block.terminator, replacements.resolve);
    const terminator = simplifyTerminator(definitions, mapped);
    changed ||= terminator !== block.terminator;
    block.terminator = terminator;
  }
  fn.blocks = [...graphOf(fn).order];
  return changed;
}

function simplifyInstruction(definitions: Definitions, instruction: Instruction): Simplified {
  switch (instruction.kind) {
    case "binary": {
      const left = constantOf(definitions, instruction.left);
      const right = constantOf(definitions, instruction.right);
      if (left === undefined || right === undefined) return simplifyBinary(definitions, instruction);
      return constant(instruction, foldBinary(instruction.op, instruction.width, left, right));
    }
    case "unary":
      return simplifyUnary(definitions, instruction);
    case "address":
      return simplifyAddress(definitions, instruction);
    case "load":
    case "store":
    case "atomic":
      return simplifyAccess(definitions, instruction);
    default:
      return undefined;
  }
}

function constant(instruction: Instruction, value: bigint): Simplified {
  const result = resultOf(instruction)!;
  return { instruction: { kind: "const", result, value: BigInt.asUintN(64, value), at: instruction.at } };
}

const extendedBits: Readonly<Record<string, bigint>> = { zext8: 8n, zext16: 16n, zext32: 32n };

function simplifyUnary(definitions: Definitions, instruction: Extract<Instruction, { kind: "unary" }>): Simplified {
  const value = constantOf(definitions, instruction.value);
  if (value !== undefined) return constant(instruction, foldUnary(instruction.op, value));
  const bits = extendedBits[instruction.op];
  if (bits !== undefined && maximumOf(definitions, instruction.value) < 1n << bits) return { value: instruction.value };
  const inner = definitions[instruction.value];
  const swap = instruction.op.startsWith("bswap");
  if (swap && inner?.kind === "unary" && inner.op === instruction.op && fitsSwap(definitions, inner)) {
    return { value: inner.value };
  }
  return undefined;
}

/** Swapping twice gives the value back if it has no bits beyond those that are swapped. */
function fitsSwap(definitions: Definitions, swap: Extract<Instruction, { kind: "unary" }>): boolean {
  const bits = BigInt(swap.op.slice("bswap".length));
  return maximumOf(definitions, swap.value) < 1n << bits;
}

/** base + 0 is base; (base + constant) + constant is one addition. */
function simplifyAddress(definitions: Definitions, instruction: Extract<Instruction, { kind: "address" }>): Simplified {
  return constantOf(definitions, instruction.index) === 0n ? { value: instruction.base } : undefined;
}

/** Displacements are 16 bits, and the verifier limits packet offsets to as much. */
const farthestDisplacement = 0x7fff;

/** A constant part of the address becomes the access's displacement. */
function simplifyAccess(
  definitions: Definitions,
  access: Extract<Instruction, { kind: "load" | "store" | "atomic" }>,
): Simplified {
  const base = definitions[access.base];
  if (base?.kind !== "address") return undefined;
  const index = constantOf(definitions, base.index);
  if (index === undefined) return undefined;
  const offset = access.offset + Number(BigInt.asIntN(64, index));
  if (Math.abs(offset) > farthestDisplacement) return undefined;
  return { instruction: { ...access, base: base.base, offset } };
}

function simplifyTerminator(definitions: Definitions, terminator: Terminator): Terminator {
  if (terminator.kind !== "branch") return terminator;
  const left = constantOf(definitions, terminator.left);
  const right = constantOf(definitions, terminator.right);
  if (left === undefined || right === undefined) return simplifyBranch(definitions, terminator);
  const taken = foldCompare(terminator.op, terminator.width, left, right) ? terminator.then : terminator.otherwise;
  return { kind: "jump", to: taken, at: terminator.at };
}

/** Parameters that get the same value, or the same constant, on every edge. */
function mergeParameters(
  fn: IrFunction,
  definitions: (Instruction | undefined)[],
  replacements: Replacements,
): boolean {
  const incoming = incomingArguments(fn);
  let changed = false;
  for (const block of fn.blocks.slice(1)) {
    if (block.parameters.length === 0) continue;
    const dropped: number[] = [];
    const constants: Instruction[] = [];
    const edges = incoming[block.id] ?? [];
    for (const [index, parameter] of block.parameters.entries()) {
      const only = onlyValue(definitions, parameter, edges, (args) => replacements.resolve(args[index]!));
      if (!only) continue;
      dropped.push(index);
      if ("value" in only) {
        replacements.set(parameter, only.value);
        continue;
      }
      const instruction: Instruction = {
        kind: "const",
        result: parameter,
        value: only.constant,
        at: block.terminator.at,
      };
      definitions[parameter] = instruction;
      constants.push(instruction);
    }
    if (dropped.length === 0) continue;
    changed = true;
    block.instructions.unshift(...constants);
    dropParameters(fn, block.id, dropped);
  }
  return changed;
}

/** By block id. */
function incomingArguments(fn: IrFunction): readonly (readonly (readonly Value[])[])[] {
  const incoming: (readonly Value[])[][] = [];
  for (const block of fn.blocks) {
    for (const { block: to, args } of edgesOf(block.terminator)) {
      if (args.length > 0) (incoming[to] ??= []).push(args);
    }
  }
  return incoming;
}

/** What all of these edges pass to a parameter, where that is one value, or one constant made in several places. */
function onlyValue(
  definitions: Definitions,
  parameter: Value,
  edges: readonly (readonly Value[])[],
  argumentOf: (args: readonly Value[]) => Value,
): { readonly value: Value } | { readonly constant: bigint } | undefined {
  let first: Value | undefined;
  let constant: bigint | undefined;
  let several = false;
  for (const args of edges) {
    const value = argumentOf(args);
    if (value === parameter || value === first) continue;
    if (first === undefined) {
      first = value;
      constant = constantOf(definitions, value);
      continue;
    }
    if (constant === undefined || constantOf(definitions, value) !== constant) return undefined;
    several = true;
  }
  if (first === undefined) return undefined;
  return several ? { constant: constant! } : { value: first };
}

/** Removes parameters by index, and the arguments of all edges that lead there. */
export function dropParameters(fn: IrFunction, id: number, dropped: readonly number[]): void {
  const keep = <T>(items: readonly T[]): T[] => items.filter((_, index) => !dropped.includes(index));
  for (const block of fn.blocks) {
    if (block.id === id) block.parameters = keep(block.parameters);
    block.terminator = dropArguments(block.terminator, id, keep);
  }
}

function dropArguments(terminator: Terminator, id: number, keep: (items: readonly Value[]) => Value[]): Terminator {
  return mapEdges(terminator, (to) => (to.block === id ? { block: id, args: keep(to.args) } : to));
}
