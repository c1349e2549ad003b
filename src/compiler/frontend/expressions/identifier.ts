import type ts from "typescript";
import { messages } from "../../diagnostics.ts";
import type { Frame } from "../frame.ts";
import { moduleValue } from "../module-scope.ts";
import { narrowed } from "../narrowing.ts";
import { poison, runtime, undefinedValue, type Value } from "../values.ts";

export function identifier(frame: Frame, node: ts.Identifier): Value {
  if (node.text === "undefined") return undefinedValue;
  const symbol = frame.checker.getSymbolAtLocation(node);
  return symbol ? identifierValue(frame, symbol, node) : poison;
}

/** What a name stands for at this place. */
export function identifierValue(frame: Frame, symbol: ts.Symbol, node: ts.Identifier): Value {
  const binding = frame.scope.find(symbol);
  if (!binding) return moduleValue(frame, symbol, node);
  if (binding.kind === "captured") return frame.fail(node, messages.captured(node.text));
  if (binding.kind === "value") return narrowed(frame, binding.value, node);
  const { local, type } = binding;
  return narrowed(frame, runtime({ kind: "local", local, type, at: frame.at(node) }), node);
}
