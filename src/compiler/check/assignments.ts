import type { AssignStatement, ForStatement } from "../hir/tree.ts";
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
   * Variables that are declared in the body as copies of others and never assigned to, as in `const before = x`: they
   * hold a value that the other one had in the loop. The front end makes them where an operand may change.
   */
  readonly copies: ReadonlyMap<number, number>;
}

const cache = new WeakMap<ForStatement, Assignments>();

/** All assignments in a loop's body. */
export function assignmentsIn(node: ForStatement): Assignments {
  const known = cache.get(node);
  if (known) return known;
  const to = new Map<number, Assignment[]>();
  const declared = new Map<number, number | undefined>();
  const search = (nodes: readonly Node[], loops: readonly ForStatement[]): void => {
    for (const inner of nodes) {
      if (inner.kind === "assign") to.set(inner.local, [...(to.get(inner.local) ?? []), { statement: inner, loops }]);
      if (inner.kind === "let") {
        const original = inner.value?.kind === "local" ? inner.value.local : undefined;
        const other = declared.has(inner.local) && declared.get(inner.local) !== original;
        declared.set(inner.local, other ? undefined : original);
      }
      search(childrenOf(inner), inner.kind === "for" ? [...loops, inner] : loops);
    }
  };
  search(node.body, []);
  const copies = [...declared].flatMap(([copy, original]) =>
    original === undefined || to.has(copy) ? [] : [[copy, original] as const],
  );
  const found = { to, copies: new Map(copies) };
  cache.set(node, found);
  return found;
}
