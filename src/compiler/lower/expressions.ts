import type {
  BinaryExpression,
  ConditionalExpression,
  ConvertExpression,
  ElementExpression,
  Expression,
  FieldExpression,
  SequenceExpression,
  SettingExpression,
  UnaryExpression,
} from "../hir/tree.ts";
import type { IntegerName, OptionalType } from "../hir/types.ts";
import { someNode } from "../hir/walk.ts";
import type { BinaryOp, UnaryOp, Value, Width } from "../ir/ir.ts";
import { blurredValue } from "./blur.ts";
import { lowerCondition } from "./conditions.ts";
import { lowerKernelField } from "./kernel-fields.ts";
import { type Lowered, type LoweredOptional, nothing, type Reference, scalar } from "./lowered.ts";
import type { Lowering } from "./lowering.ts";
import { lowerMatch } from "./match.ts";
import { elementCount, loadScalar, sizeOfElement } from "./memory.ts";
import { lowerNew } from "./new.ts";
import { boundsCheck } from "./operations/packet.ts";
import { lowerOperation } from "./operations/table.ts";
import { lowerStatements } from "./statements.ts";

/** The registers that an expression's value is in. */
export function lowerExpression(l: Lowering, e: Expression): Lowered {
  switch (e.kind) {
    case "constant":
      return scalar(l.constant(typeof e.value === "boolean" ? Number(e.value) : e.value, e.at));
    case "local":
      return l.readLocal(e.local, e.type);
    case "setting":
      return lowerSetting(e);
    case "load":
      return scalar(loadScalar(l, lowerReference(l, e.ref), e.at));
    case "field":
      return lowerField(l, e);
    case "element":
      return lowerElement(l, e);
    case "kernelField":
      return lowerKernelField(l, e);
    case "unary":
      return e.operator === "not" ? lowerBoolean(l, e) : scalar(lowerUnary(l, e));
    case "binary":
      return scalar(lowerBinary(l, e));
    case "compare":
    case "logical":
    case "present":
      return lowerBoolean(l, e);
    case "convert":
      return scalar(lowerConvert(l, e));
    case "conditional":
      return lowerConditional(l, e);
    case "some":
      return lowerSome(l, e.value);
    case "none":
      return l.absentValue(e.type as OptionalType, e.at);
    case "unwrap":
      return lowerOptional(l, e.value).of;
    case "new":
      return lowerNew(l, e);
    case "sequence":
      return lowerSequence(l, e);
    case "operation":
      return lowerOperation(l, e);
    case "match":
      return lowerMatch(l, e);
  }
}

/** The register of a scalar expression. */
export function lowerScalar(l: Lowering, e: Expression): Value {
  const lowered = lowerExpression(l, e);
  if (lowered.kind !== "scalar") throw new Error(`HIR is not well typed: ${e.kind} is not a scalar`);
  return lowered.value;
}

export function lowerReference(l: Lowering, e: Expression): Reference {
  const lowered = lowerExpression(l, e);
  if (lowered.kind !== "ref") throw new Error(`HIR is not well typed: ${e.kind} is not a reference`);
  return lowered;
}

export function lowerOptional(l: Lowering, e: Expression): LoweredOptional {
  const lowered = lowerExpression(l, e);
  if (lowered.kind !== "optional") throw new Error(`HIR is not well typed: ${e.kind} is not optional`);
  return lowered;
}

function lowerSome(l: Lowering, value: Expression): Lowered {
  const of = lowerExpression(l, value);
  if (of.kind !== "scalar" && of.kind !== "ref") throw new Error("HIR is not well typed: optional of an optional");
  return { kind: "optional", present: "always", of };
}

function lowerSetting(e: SettingExpression): never {
  throw new Error(`setting ${e.path.join(".")} was not folded: specialise the module first`);
}

function lowerField(l: Lowering, e: FieldExpression): Reference {
  const base = lowerReference(l, e.base);
  if (base.layout.kind !== "struct" && base.layout.kind !== "union") throw new Error("field of no structure");
  const field = base.layout.fields[e.field]!;
  return { ...base, offset: base.offset + field.offset, layout: field.layout };
}

/** What else an expression does whose value is known: it may take an element from a queue. */
export function lowerEffects(l: Lowering, e: Expression): void {
  if (someNode([e], ({ kind }) => kind === "operation" || kind === "sequence")) lowerScalar(l, e);
}

function lowerElement(l: Lowering, e: ElementExpression): Reference {
  const base = lowerReference(l, e.base);
  const { layout, size } = sizeOfElement(base.layout);
  const count = elementCount(base.layout);
  const range = l.range(e.index);
  // One value out of range is that of code which is never reached, as behind an `at` that is absent.
  if (range && range.low === range.high && range.low >= 0n && range.low < count) {
    lowerEffects(l, e.index);
    return { ...base, offset: base.offset + Number(range.low) * size, layout };
  }
  const index = lowerScalar(l, e.index);
  l.require("ult", index, count, e.at);
  const scaled = size === 1 ? index : l.builder.binary("mul", 64, index, l.constant(size, e.at), e.at);
  const element: Reference = {
    ...base,
    base: l.builder.address(base.base, scaled, e.at),
    layout,
    align: Math.min(base.align, size & -size),
  };
  if (base.region === "packet") requireInPacket(l, element, size, e);
  return element;
}

/**
 * A packet address with something variable added is a new one to the verifier: what was checked of the view does not
 * hold for it (adjust_ptr_min_max_vals gives it an id of its own).
 */
function requireInPacket(l: Lowering, element: Reference, size: number, e: ElementExpression): void {
  const [inside, outside] = [l.builder.newBlock(), l.builder.newBlock()];
  boundsCheck(l, element, size, inside, outside, e.at);
  l.abortIn(outside, e.at);
  l.builder.seal(inside);
  l.builder.switchTo(inside);
}

function lowerBoolean(l: Lowering, e: Expression): Lowered {
  return scalar(l.presentWhen(e.at, (yes, no) => lowerCondition(l, e, yes, no)));
}

function lowerUnary(l: Lowering, e: UnaryExpression): Value {
  const value = lowerScalar(l, e.value);
  if (e.operator === "negate") return l.builder.unary("neg", value, e.at);
  const width = e.type.kind === "number" ? 32 : 64;
  return l.builder.binary("xor", width, value, l.constant(-1, e.at), e.at);
}

const wideOps: Readonly<Record<BinaryExpression["operator"], BinaryOp>> = {
  add: "add",
  subtract: "sub",
  multiply: "mul",
  divide: "udiv",
  remainder: "umod",
  and: "and",
  or: "or",
  xor: "xor",
  shiftLeft: "shl",
  shiftRight: "lshr",
  shiftRightUnsigned: "lshr",
};

function lowerBinary(l: Lowering, e: BinaryExpression): Value {
  const left = lowerScalar(l, e.left);
  const right = lowerScalar(l, e.right);
  const signed = e.type.kind === "i64" || (e.type.kind === "number" && !bothNonNegative(l, e));
  let op = wideOps[e.operator];
  if (signed && op === "udiv") op = "sdiv";
  if (signed && op === "umod") op = "smod";
  if (signed && e.operator === "shiftRight") op = "ashr";
  return l.builder.binary(op, widthOf(e), left, right, e.at);
}

/** Bitwise operations on numbers are 32-bit ones; all else works on whole registers. */
function widthOf(e: BinaryExpression): Width {
  if (e.type.kind !== "number") return 64;
  switch (e.operator) {
    case "and":
    case "or":
    case "xor":
    case "shiftLeft":
    case "shiftRightUnsigned":
      return 32;
    default:
      return 64;
  }
}

function bothNonNegative(l: Lowering, e: BinaryExpression): boolean {
  const left = l.range(e.left);
  const right = l.range(e.right);
  return left !== undefined && right !== undefined && left.low >= 0n && right.low >= 0n;
}

const narrowing: Readonly<Record<IntegerName, UnaryOp | undefined>> = {
  u8: "zext8",
  u16: "zext16",
  u32: "zext32",
  i8: "sext8",
  i16: "sext16",
  i32: "sext32",
  u64: undefined,
  i64: undefined,
};

function lowerConvert(l: Lowering, e: ConvertExpression): Value {
  const value = lowerScalar(l, e.value);
  if (e.to === "number") return value;
  if (e.to === "bool") return l.presentWhen(e.at, (yes, no) => l.branchNonZero(value, yes, no, e.at));
  const op = narrowing[e.to];
  return op ? l.builder.unary(op, value, e.at) : value;
}

function lowerConditional(l: Lowering, e: ConditionalExpression): Lowered {
  const then = l.builder.newBlock();
  const otherwise = l.builder.newBlock();
  const join = l.join(e.type, e.at);
  lowerCondition(l, e.test, then, otherwise);
  for (const [block, side] of [
    [then, e.then],
    [otherwise, e.otherwise],
  ] as const) {
    l.builder.seal(block);
    l.builder.switchTo(block);
    join.arrive(lowerExpression(l, side));
  }
  const joined = join.finish();
  const hidden = l.options.fewPaths && joined.kind === "scalar" && e.type.kind !== "bool" && l.known.mayBe(e);
  return hidden ? scalar(blurredValue(l, joined.value, e.at)) : joined;
}

function lowerSequence(l: Lowering, e: SequenceExpression): Lowered {
  lowerStatements(l, e.body);
  return e.type.kind === "void" ? nothing : lowerExpression(l, e.value);
}
