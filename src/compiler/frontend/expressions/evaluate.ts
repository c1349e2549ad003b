import ts from "typescript";
import { messages } from "../../diagnostics.ts";
import { type Frame, NoProgram } from "../frame.ts";
import { poison, type Value } from "../values.ts";
import { arrayLiteral } from "./array.ts";
import { binary } from "./binary.ts";
import { call } from "./call.ts";
import { cast, satisfies } from "./cast.ts";
import { choice } from "./conditional.ts";
import { arrow } from "./function.ts";
import { identifier } from "./identifier.ts";
import { bigintLiteral, booleanLiteral, numericLiteral, text } from "./literals.ts";
import { objectLiteral } from "./object.ts";
import { elementAccess, propertyAccess } from "./property.ts";
import { prefix } from "./unary.ts";

type Visitor = (frame: Frame, node: never) => Value;

const K = ts.SyntaxKind;

/** One line per construct. What is missing here is refused by `syntax.ts` with what to write instead. */
const visitors: Readonly<Partial<Record<ts.SyntaxKind, Visitor>>> = {
  [K.ArrayLiteralExpression]: arrayLiteral,
  [K.ArrowFunction]: arrow,
  [K.AsExpression]: cast,
  [K.BigIntLiteral]: bigintLiteral,
  [K.BinaryExpression]: binary,
  [K.CallExpression]: call,
  [K.ConditionalExpression]: choice,
  [K.ElementAccessExpression]: elementAccess,
  [K.FalseKeyword]: booleanLiteral,
  [K.FunctionExpression]: arrow,
  [K.Identifier]: identifier,
  [K.NoSubstitutionTemplateLiteral]: text,
  [K.NumericLiteral]: numericLiteral,
  [K.ObjectLiteralExpression]: objectLiteral,
  [K.ParenthesizedExpression]: (frame, node: ts.ParenthesizedExpression) => evaluate(frame, node.expression),
  [K.PrefixUnaryExpression]: prefix,
  [K.PropertyAccessExpression]: propertyAccess,
  [K.SatisfiesExpression]: satisfies,
  [K.StringLiteral]: text,
  [K.TrueKeyword]: booleanLiteral,
};

/** What an expression is: calculated, or written down for the kernel to calculate. */
export function evaluate(frame: Frame, node: ts.Expression): Value {
  const value = visited(frame, node);
  if (value.kind === "poison") frame.session.gaveUp ??= node;
  return value;
}

function visited(frame: Frame, node: ts.Expression): Value {
  const visit = visitors[node.kind];
  if (!visit) return poison;
  try {
    return visit(frame, node as never);
  } catch (error) {
    if (!(error instanceof NoProgram)) throw error;
    return frame.fail(node, messages.runtimeAtModuleScope("this"));
  }
}
