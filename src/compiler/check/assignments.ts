import type { AssignStatement, Expression, ForStatement } from "../hir/tree.ts";
import { childrenOf, type Node } from "../hir/walk.ts";

/** An assignment in a loop's body. */
export interface Assignment {
  readonly statement: AssignStatement;
  /** The loops between it and the loop whose body it is in. */
  readonly loops: readonly ForStatement[];
}

export interface Assignments {
  /** By what they assign to. */
  readonly to: ReadonlyMap<number, readonly Assignment[]>;
  /**
   * What variables are made of that are declared in one place of the body and never assigned to, as in
   * `const before = x`. The front end makes them where an operand may change, and for the fields of an object that is
   * assigned as a whole.
   */
  readonly named: ReadonlyMap<number, Expression>;
}

const cache = new WeakMap<ForStatement, Assignments>();

/** All assignments in a loop's body. */
export function assignmentsIn(node: ForStatement): Assignments {
  const known = cache.get(node);
  if (known) return known;
  const to = new Map<number, Assignment[]>();
  const declared = new Map<number, Expression | undefined>();
  const search = (nodes: readonly Node[], loops: readonly ForStatement[]): void => {
    for (const inner of nodes) {
      if (inner.kind === "assign") to.set(inner.local, [...(to.get(inner.local) ?? []), { statement: inner, loops }]);
      if (inner.kind === "let") declared.set(inner.local, declared.has(inner.local) ? undefined : inner.value);
      search(childrenOf(inner), inner.kind === "for" ? [...loops, inner] : loops);
    }
  };
  search(node.body, []);
  const named = [...declared].flatMap(([local, value]) =>
    value === undefined || to.has(local) ? [] : [[local, value] as const],
  );
  const found = { to, named: new Map(named) };
  cache.set(node, found);
  return found;
}
