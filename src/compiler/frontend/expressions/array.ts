import ts from "typescript";
import { messages } from "../../diagnostics.ts";
import type { Frame } from "../frame.ts";
import { inOrder } from "../settle.ts";
import { describe, poison, type Value } from "../values.ts";
import { evaluate } from "./evaluate.ts";

/** A list of the compiler: `as const` tables, the contents of an array layout. */
export function arrayLiteral(frame: Frame, node: ts.ArrayLiteralExpression): Value {
  const values = inOrder(
    frame,
    node.elements.map((one, index) => () => {
      const { hint } = frame.state;
      return evaluate(frame.named(hint ? `${hint}_${index}` : ""), ts.isSpreadElement(one) ? one.expression : one);
    }),
    node,
  );
  const items: Value[] = [];
  for (const [index, value] of values.entries()) {
    const element = node.elements[index]!;
    if (!ts.isSpreadElement(element)) items.push(value);
    else if (value.kind === "list") items.push(...value.items);
    else if (value.kind === "poison") return poison;
    else return frame.fail(element, messages.unexpectedValue("a list of constants", describe(value)));
  }
  return items.some((item) => item.kind === "poison") ? poison : { kind: "list", items };
}
