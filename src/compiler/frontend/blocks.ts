import type { Position } from "../hir/position.ts";
import type { Statement } from "../hir/tree.ts";

/** Statements as one; a block that can be left where something does. */
export function sequenceOf(label: number, body: readonly Statement[], left: boolean, at: Position): Statement {
  if (!left && body.length === 1) return body[0]!;
  return { kind: "block", label, body, at };
}
