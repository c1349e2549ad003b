import type { Expression, Routine, Statement } from "../hir/tree.ts";
import { type Node, type NodeKind, someNode, walk } from "../hir/walk.ts";

/** So many decisions about one variable are 64 paths: what follows is walked for each. */
const mostDecisions = 6;

/** So many about all of them, most of which nobody asks for any more at some place, are a few hundred. */
const mostDecisionsInAll = 10;

/**
 * What the verifier may know as one number: what is made of constants, on one way at least. It tells paths apart by it,
 * and n tests that set flags or add to a sum are 2^n of them. What comes from memory or from the kernel is any number
 * to it.
 */
export class KnownValues {
  readonly #routine: Routine;
  #kept: ReadonlySet<number> | undefined;
  /** The variables that may be known at some place. */
  readonly #locals: ReadonlySet<number>;
  readonly #decisions: ReadonlyMap<Statement, readonly number[]>;

  /** @param hideAll one decision is one too many, and what is hidden is hidden again behind each test of it */
  constructor(routine: Routine, { hideAll }: { readonly hideAll: boolean }) {
    this.#routine = routine;
    this.#locals = knownLocals(routine.body);
    this.#decisions = hideAll ? this.#allDecisions() : this.#manyDecisions();
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

  /** The variables of which a statement makes one of many decisions. Only the outermost of each is named. */
  decidedBy(decision: Statement): readonly number[] {
    return this.#decisions.get(decision) ?? [];
  }

  #allDecisions(): ReadonlyMap<Statement, readonly number[]> {
    const decisions = decisionsIn(this.#routine.body).map((decision) => {
      const locals = new Set([...this.#decidedIn(decision), ...this.#testedBy(decision)]);
      return [decision, [...locals].filter((local) => !this.#saysWhatIsPresent(local))] as const;
    });
    return new Map(decisions);
  }

  #manyDecisions(): ReadonlyMap<Statement, readonly number[]> {
    const decided = new Map<Statement, readonly number[]>();
    const counts = new Map<number, number>();
    for (const decision of decisionsIn(this.#routine.body)) {
      const locals = this.#decidedIn(decision);
      if (locals.length === 0) continue;
      decided.set(decision, locals);
      for (const local of locals) counts.set(local, (counts.get(local) ?? 0) + 1);
    }
    const manyInAll = decided.size >= mostDecisionsInAll;
    const many = (local: number): boolean => manyInAll || (counts.get(local) ?? 0) >= mostDecisions;
    const isHidden = (local: number): boolean => many(local) && !this.#saysWhatIsPresent(local);
    return new Map([...decided].map(([decision, locals]) => [decision, locals.filter(isHidden)]));
  }

  /** A test makes known what it asks about. */
  #testedBy(decision: Statement): readonly number[] {
    const test = decision.kind === "if" ? decision.test : decision.kind === "switch" ? decision.value : undefined;
    const tested: number[] = [];
    walk(test ? [test] : [], (node) => {
      if (node.kind === "local" && this.#locals.has(node.local)) tested.push(node.local);
    });
    return tested;
  }

  /** A reference may be used where such a bool is true: the verifier must be able to tell its values apart. */
  #saysWhatIsPresent(local: number): boolean {
    if (this.#routine.locals[local]?.type.kind !== "bool") return false;
    this.#kept ??= boolsOfPresence(this.#routine.body);
    return this.#kept.has(local);
  }

  #decidedIn(decision: Statement): readonly number[] {
    if (decision.kind !== "let") return this.givenIn([decision]);
    return decision.value && this.mayBe(decision.value) ? [decision.local] : [];
  }
}

/** Statements after which a variable has one of several values, outside of others of their kind. */
function decisionsIn(body: readonly Statement[]): readonly Statement[] {
  const decisions: Statement[] = [];
  const visit = (statement: Statement): void => {
    switch (statement.kind) {
      case "if":
      case "switch":
        decisions.push(statement);
        return;
      case "let":
      case "assign":
        if (statement.value && someNode([statement.value], isChoice)) decisions.push(statement);
        return;
      case "for":
      case "block":
      case "lock":
        statement.body.forEach(visit);
    }
  };
  body.forEach(visit);
  return decisions;
}

const choices: ReadonlySet<NodeKind> = new Set(["conditional", "compare", "logical", "present", "if", "switch"]);

function isChoice({ kind }: Node): boolean {
  return choices.has(kind);
}

/** Those that keep what a test for presence gave. */
function boolsOfPresence(body: readonly Statement[]): ReadonlySet<number> {
  const found = new Set<number>();
  const bound: { readonly local: number; readonly value: Expression }[] = [];
  walk(body, (node) => {
    if ((node.kind === "let" || node.kind === "assign") && node.value)
      bound.push({ local: node.local, value: node.value });
  });
  const asks = (node: Node): boolean =>
    node.kind === "present" ||
    (node.kind === "compare" && node.left.type.kind === "optional") ||
    (node.kind === "local" && found.has(node.local));
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const { local, value } of bound) if (someNode([value], asks)) found.add(local);
  }
  return found;
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
