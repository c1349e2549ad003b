import type { Expression, IfStatement, Statement, SwitchStatement } from "../hir/tree.ts";
import { walk } from "../hir/walk.ts";

/**
 * Whether the verifier may know an expression's value as one number: it is made of constants, on one way at least. It
 * then tells paths apart by it, and n tests that set flags or add to a sum are 2^n of them. What comes from memory or
 * from the kernel is any number to it.
 */
export function mayBeKnown(e: Expression): boolean {
  switch (e.kind) {
    case "load":
    case "operation":
    case "match":
    case "kernelField":
      return false;
    case "binary":
      return mayBeKnown(e.left) && mayBeKnown(e.right);
    case "conditional":
      return mayBeKnown(e.then) || mayBeKnown(e.otherwise);
    case "unary":
    case "convert":
    case "some":
    case "unwrap":
    case "sequence":
      return mayBeKnown(e.value);
    default:
      return true;
  }
}

/** The variables around a body that it gives values which the verifier may know. */
export function givenKnownValues(body: readonly Statement[]): ReadonlySet<number> {
  const [given, own] = [new Set<number>(), new Set<number>()];
  walk(body, (node) => {
    if (node.kind === "let" || node.kind === "for") own.add(node.local);
    if (node.kind === "assign" && mayBeKnown(node.value)) given.add(node.local);
  });
  for (const local of own) given.delete(local);
  return given;
}

export type Decision = IfStatement | SwitchStatement;

/** So many decisions about one variable are 64 paths: what follows is walked for each. */
const mostDecisions = 6;

/** The variables that many decisions of a body give known values, by decision; only the outermost of each is named. */
export function manyDecisions(body: readonly Statement[]): ReadonlyMap<Decision, readonly number[]> {
  const decided = new Map<Decision, readonly number[]>();
  const counts = new Map<number, number>();
  const visit = (statements: readonly Statement[]): void => {
    for (const statement of statements) {
      if (statement.kind === "if" || statement.kind === "switch") {
        const locals = [...givenKnownValues([statement])];
        if (locals.length > 0) decided.set(statement, locals);
        for (const local of locals) counts.set(local, (counts.get(local) ?? 0) + 1);
      } else if (statement.kind === "for" || statement.kind === "block" || statement.kind === "lock") {
        visit(statement.body);
      }
    }
  };
  visit(body);
  const often = (local: number): boolean => (counts.get(local) ?? 0) >= mostDecisions;
  return new Map([...decided].map(([decision, locals]) => [decision, locals.filter(often)] as const));
}
