import { evaluateBinary, evaluateCompare, evaluateUnary, type IntegerKind, isNumber, wrapTo } from "./arithmetic.ts";
import type {
  BinaryExpression,
  CompareExpression,
  ConstantExpression,
  ConvertExpression,
  Expression,
  LogicalExpression,
  UnaryExpression,
} from "./tree.ts";
import type { ScalarType } from "./types.ts";

/**
 * An expression whose operands are constants as a constant. What would be an error (a result beyond 64 bits, a shift
 * out of range) stays as it is: the flow checker reports it.
 */
export function foldExpression(node: Expression): Expression {
  switch (node.kind) {
    case "unary":
      return foldUnary(node);
    case "binary":
      return foldBinary(node);
    case "compare":
      return foldCompare(node);
    case "logical":
      return foldLogical(node);
    case "convert":
      return foldConvert(node);
    case "conditional":
      return node.test.kind === "constant" ? (node.test.value ? node.then : node.otherwise) : node;
    case "present":
      if (node.value.kind === "none") return constant(node, node.type, false);
      return node.value.kind === "some" && node.value.value.kind === "constant"
        ? constant(node, node.type, true)
        : node;
    case "unwrap":
      return node.value.kind === "some" ? node.value.value : node;
    default:
      return node;
  }
}

function constant(node: Expression, type: ScalarType, value: bigint | boolean): ConstantExpression {
  return { kind: "constant", type, value, at: node.at };
}

function kindOf(type: ScalarType): IntegerKind | undefined {
  return type.kind === "number" || type.kind === "u64" || type.kind === "i64" ? type.kind : undefined;
}

function integer(node: Expression): bigint | undefined {
  return node.kind === "constant" && typeof node.value === "bigint" ? node.value : undefined;
}

/** The result, when it is one. */
function exact(node: Expression & { type: ScalarType }, value: bigint | undefined): Expression {
  if (value === undefined || (node.type.kind === "number" && !isNumber(value))) return node;
  return constant(node, node.type, value);
}

function foldUnary(node: UnaryExpression): Expression {
  if (node.operator === "not")
    return node.value.kind === "constant" ? constant(node, node.type, !node.value.value) : node;
  const value = integer(node.value);
  const kind = kindOf(node.type);
  return value === undefined || !kind ? node : exact(node, evaluateUnary(node.operator, kind, value));
}

function foldBinary(node: BinaryExpression): Expression {
  const left = integer(node.left);
  const right = integer(node.right);
  const kind = kindOf(node.type);
  if (left === undefined || right === undefined || !kind) return node;
  return exact(node, evaluateBinary(node.operator, kind, left, right));
}

function foldCompare(node: CompareExpression): Expression {
  const [left, right] = [scalarOf(node.left), scalarOf(node.right)];
  if (!left || !right) return node;
  return constant(node, node.type, evaluateCompare(node.operator, left.value, right.value));
}

/** A constant, also as a present optional. */
function scalarOf(node: Expression): ConstantExpression | undefined {
  if (node.kind === "some") return scalarOf(node.value);
  return node.kind === "constant" ? node : undefined;
}

function foldLogical(node: LogicalExpression): Expression {
  const decisive = node.operator === "or";
  if (node.left.kind === "constant") return node.left.value === decisive ? node.left : node.right;
  // The left side may have effects: only a right side that decides nothing goes away.
  if (node.right.kind === "constant" && node.right.value !== decisive) return node.left;
  return node;
}

function foldConvert(node: ConvertExpression): Expression {
  if (node.value.kind !== "constant") return node;
  const value = BigInt(node.value.value);
  if (node.to === "bool") return constant(node, node.type, value !== 0n);
  return node.to === "number" ? exact(node, value) : constant(node, node.type, wrapTo(node.to, value));
}
