import ts from "typescript";
import { messages } from "../../diagnostics.ts";
import { isName } from "../../hir/verify/shape.ts";
import type { Frame } from "../frame.ts";
import { inOrder } from "../settle.ts";
import { describe, poison, type Value } from "../values.ts";
import { evaluate } from "./evaluate.ts";
import { identifierValue } from "./identifier.ts";
import { property } from "./property.ts";

/** An object literal: values by name. It gets a place in memory where one with a layout is wanted. */
export function objectLiteral(frame: Frame, node: ts.ObjectLiteralExpression): Value {
  const values = inOrder(
    frame,
    node.properties.map((one) => () => memberValue(frame, one)),
    node,
  );
  const members = new Map<string, Value>();
  for (const [index, value] of values.entries()) {
    const one = node.properties[index]!;
    if (value.kind === "poison") return poison;
    if (ts.isSpreadAssignment(one)) {
      if (value.kind !== "record") return poison;
      for (const [name, part] of value.members) members.set(name, part);
    } else {
      const name = memberName(frame, one);
      if (name === undefined) return poison;
      members.set(name, value);
    }
  }
  return { kind: "record", members };
}

/** Names go into messages, BTF and HIR: what cannot stand there is no name. */
function memberName(frame: Frame, member: ts.ObjectLiteralElementLike): string | undefined {
  const name = constantName(frame, member);
  if (name !== undefined && isName(name)) return name;
  const message =
    name === undefined
      ? messages.notConstant("a field's name")
      : messages.unsupported(`the name ${JSON.stringify(name)}`, "Give it 1 to 128 printable characters.");
  frame.fail(member, message);
  return undefined;
}

function constantName(frame: Frame, { name }: ts.ObjectLiteralElementLike): string | undefined {
  if (name && (ts.isIdentifier(name) || ts.isStringLiteral(name) || ts.isNumericLiteral(name))) return name.text;
  if (!name || !ts.isComputedPropertyName(name)) return undefined;
  const computed = evaluate(frame, name.expression);
  if (computed.kind === "string") return computed.text;
  return computed.kind === "constant" ? String(computed.value) : undefined;
}

function memberValue(frame: Frame, member: ts.ObjectLiteralElementLike): Value {
  if (ts.isPropertyAssignment(member)) {
    const name = member.name.getText().replace(/\W+/g, "");
    const { hint } = frame.state;
    return evaluate(frame.named(hint ? `${hint}_${name}` : name), member.initializer);
  }
  if (ts.isShorthandPropertyAssignment(member)) {
    const symbol = frame.checker.getShorthandAssignmentValueSymbol(member);
    return symbol ? identifierValue(frame, symbol, member.name) : poison;
  }
  if (ts.isSpreadAssignment(member)) return spread(frame, evaluate(frame, member.expression), member);
  if (ts.isMethodDeclaration(member))
    return { kind: "function", declaration: member, scope: frame.scope, name: member.name.getText() };
  return frame.fail(member, messages.unsupported("getters and setters", "Use a field or a function."));
}

/** The fields of a struct, read one by one, or the members of an object, in order. */
function spread(frame: Frame, value: Value, node: ts.Node): Value {
  if (value.kind === "record" || value.kind === "poison") return value;
  const type = value.kind === "runtime" ? value.expression.type : undefined;
  if (type?.kind !== "ref" || type.layout.kind !== "struct")
    return frame.fail(node, messages.unexpectedValue("a struct or an object", describe(value)));
  const members = type.layout.fields.map(({ name }) => [name, property(frame, value, name, node)] as const);
  return { kind: "record", members: new Map(members) };
}
