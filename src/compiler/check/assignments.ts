import type { AssignStatement, ForStatement } from "../hir/tree.ts";
import { childrenOf, type Node } from "../hir/walk.ts";

/** An assignment in a loop's body. */
export interface Assignment {
  readonly statement: AssignStatement;
  /** The loops between it and the loop whose body it is in. */
  readonly loops: readonly ForStatement[];
  /** Variables that hold what the assigned variable still holds just before, as in `const before = x; x = before + 1`. */
  readonly copies: readonly number[];
}

type Assignments = ReadonlyMap<number, readonly Assignment[]>;

const cache = new WeakMap<ForStatement, Assignments>();

/** All assignments in a loop's body, by what they assign to. */
export function assignmentsIn(node: ForStatement): Assignments {
  const known = cache.get(node);
  if (known) return known;
  const search = new Search();
  search.visit(node.body, []);
  cache.set(node, search.found);
  return search.found;
}

/** Visits a loop's body in the order in which it runs. */
class Search {
  readonly found = new Map<number, Assignment[]>();
  /** Which variable a variable is a copy of, that was declared as one; none was assigned to since. */
  readonly #copies = new Map<number, number>();

  visit(nodes: readonly Node[], loops: readonly ForStatement[]): void {
    for (const node of nodes) {
      if (node.kind === "for") this.#visitLoop(node, loops);
      else this.visit(childrenOf(node), loops);
      if (node.kind === "assign") this.#add(node, loops);
      if (node.kind !== "let" && node.kind !== "assign") continue;
      this.#changes(node.local);
      if (node.kind === "let" && node.value?.kind === "local") this.#copies.set(node.local, node.value.local);
    }
  }

  #visitLoop(node: ForStatement, loops: readonly ForStatement[]): void {
    this.visit([node.from, node.to], loops);
    // What a later round finds was perhaps assigned in an earlier one.
    for (const local of assignmentsIn(node).keys()) this.#changes(local);
    this.visit(node.body, [...loops, node]);
  }

  #add(statement: AssignStatement, loops: readonly ForStatement[]): void {
    const { local } = statement;
    const copies = [...this.#copies].flatMap(([copy, original]) => (original === local ? [copy] : []));
    this.found.set(local, [...(this.found.get(local) ?? []), { statement, loops, copies }]);
  }

  #changes(local: number): void {
    for (const [copy, original] of this.#copies) if (copy === local || original === local) this.#copies.delete(copy);
  }
}
