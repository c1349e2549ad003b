import type { Expression, IfStatement, Statement, SwitchStatement } from "../hir/tree.ts";
import { walk } from "../hir/walk.ts";

export type Decision = IfStatement | SwitchStatement;

/** So many decisions about one variable are 64 paths: what follows is walked for each. */
const mostDecisions = 6;

/**
 * What the verifier may know as one number: what is made of constants, on one way at least. It tells paths apart by it,
 * and n tests that set flags or add to a sum are 2^n of them. What comes from memory or from the kernel is any number
 * to it.
 */
export class KnownValues {
  /** The variables that may be known at some place. */
  readonly #locals: ReadonlySet<number>;
  readonly #decisions: ReadonlyMap<Decision, readonly number[]>;

  /** @param body of a routine */
  constructor(body: readonly Statement[]) {
    this.#locals = knownLocals(body);
    this.#decisions = this.#manyDecisions(body);
  }

  mayBe(value: Expression): boolean {
    return mayBeKnown(value, this.#locals);
  }

  /**
   * The variables around a body that it gives such values.
   *
   * @param label of the loop whose body it is: what is given right before the loop is left does not come round again
   */
  givenIn(body: readonly Statement[], label?: number): readonly number[] {
    const [given, own, leaving] = [new Set<number>(), new Set<number>(), new Set<Statement>()];
    const noteLeaving = (list: readonly Statement[]): void => {
      const last = list.at(-1);
      if (last?.kind !== "return" && (last?.kind !== "break" || last.label !== label)) return;
      for (const one of list) leaving.add(one);
    };
    walk(body, (node) => {
      if (node.kind === "if") for (const list of [node.then, node.otherwise]) noteLeaving(list);
      if (node.kind === "let" || node.kind === "for") own.add(node.local);
      if (node.kind === "assign" && !leaving.has(node) && this.mayBe(node.value)) given.add(node.local);
    });
    return [...given].filter((local) => !own.has(local));
  }

  /** The variables of which an `if` or `switch` makes one of many decisions. Only the outermost of each is named. */
  decidedBy(decision: Decision): readonly number[] {
    return this.#decisions.get(decision) ?? [];
  }

  #manyDecisions(body: readonly Statement[]): ReadonlyMap<Decision, readonly number[]> {
    const decisions: Decision[] = [];
    const visit = (statements: readonly Statement[]): void => {
      for (const statement of statements) {
        if (statement.kind === "if" || statement.kind === "switch") decisions.push(statement);
        else if (statement.kind === "for" || statement.kind === "block" || statement.kind === "lock")
          visit(statement.body);
      }
    };
    visit(body);
    const decided = new Map<Decision, readonly number[]>();
    if (decisions.length < mostDecisions) return decided;
    const counts = new Map<number, number>();
    for (const decision of decisions) {
      const locals = this.givenIn([decision]);
      if (locals.length > 0) decided.set(decision, locals);
      for (const local of locals) counts.set(local, (counts.get(local) ?? 0) + 1);
    }
    const often = (local: number): boolean => (counts.get(local) ?? 0) >= mostDecisions;
    for (const [decision, locals] of decided) decided.set(decision, locals.filter(often));
    return decided;
  }
}

/** Those that are given a known value somewhere; a value that is made of others waits for them. */
function knownLocals(body: readonly Statement[]): ReadonlySet<number> {
  const known = new Set<number>();
  let waiting: { readonly local: number; readonly value: Expression }[] = [];
  walk(body, (node) => {
    if (node.kind === "for" || (node.kind === "let" && !node.value)) known.add(node.local);
    else if ((node.kind === "let" || node.kind === "assign") && node.value)
      waiting.push({ local: node.local, value: node.value });
  });
  for (let before = -1; before !== known.size; ) {
    before = known.size;
    waiting = waiting.filter(({ local, value }) => {
      if (known.has(local)) return false;
      if (!mayBeKnown(value, known)) return true;
      known.add(local);
      return false;
    });
  }
  return known;
}

function mayBeKnown(e: Expression, locals: ReadonlySet<number>): boolean {
  switch (e.kind) {
    case "local":
      return locals.has(e.local);
    case "load":
    case "operation":
    case "match":
    case "kernelField":
      return false;
    case "binary":
      return mayBeKnown(e.left, locals) && mayBeKnown(e.right, locals);
    case "conditional":
      return mayBeKnown(e.then, locals) || mayBeKnown(e.otherwise, locals);
    case "unary":
    case "convert":
    case "some":
    case "unwrap":
    case "sequence":
      return mayBeKnown(e.value, locals);
    default:
      return true;
  }
}
