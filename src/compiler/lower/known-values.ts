import type { Expression, Routine, Statement } from "../hir/tree.ts";
import { forEachChild, isStatement, type Node, type NodeKind, someNode, walk } from "../hir/walk.ts";
import { countBindings } from "./scan.ts";

/** So many decisions about one variable are 64 paths: what follows is walked for each. */
const mostDecisions = 6;

/** So many about all of them: most have been asked about, and are forgotten, before the last one is made. */
const mostDecisionsInAll = 12;

/**
 * What the verifier may know as one number: what is made of constants, on one way at least. It tells paths apart by it,
 * and n tests that set flags or add to a sum are 2^n of them. What comes from memory or from the kernel is any number
 * to it.
 */
export class KnownValues {
  readonly #routine: Routine;
  // Found when they are asked for: most functions are done without.
  #locals: ReadonlySet<number> | undefined;
  #counters: ReadonlySet<number> | undefined;
  #kept: ReadonlySet<number> | undefined;
  #hidden: ReadonlySet<number> | undefined;
  /** Whether they are there may be hidden: only what is hidden always is written always. */
  readonly #copies: ReadonlySet<number>;
  readonly #decisions: ReadonlyMap<Statement, readonly number[]>;

  /** @param hideAll one decision is one too many, and what is hidden is hidden again behind a test of it */
  constructor(routine: Routine, { hideAll }: { readonly hideAll: boolean }) {
    this.#routine = routine;
    this.#copies = hideAll ? copiesIn(routine.body) : new Set();
    const [outermost = [], ...others] = sequencesIn(routine.body);
    // Hiding all within the sides of an `if`, too, has been seen to let the verifier walk four times as much: ways that
    // what it knew there had excluded.
    const decided = hideAll ? this.#allIn(outermost) : this.#manyIn(outermost);
    this.#decisions = new Map([...decided, ...others.flatMap((sequence) => this.#manyIn(sequence))]);
  }

  mayBe(value: Expression): boolean {
    this.#locals ??= knownLocals(this.#routine.body);
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

  /** The variables that are to be hidden behind a statement that gives them one of several values. */
  decidedBy(decision: Statement): readonly number[] {
    return this.#decisions.get(decision) ?? [];
  }

  /** Whether it is a copy of a map's value, of which the verifier need not know if it is there. */
  isCopy(local: number): boolean {
    return this.#copies.has(local);
  }

  /** Whether it is a copy that is hidden somewhere. */
  isHiddenCopy(local: number): boolean {
    if (!this.#copies.has(local)) return false;
    this.#hidden ??= new Set([...this.#decisions.values()].flat());
    return this.#hidden.has(local);
  }

  #allIn(sequence: Sequence): readonly Decided[] {
    return sequence.map((decision) => {
      const locals = new Set([...this.#decidedIn(decision), ...this.#testedBy(decision)]);
      return [decision, [...locals].filter((local) => !this.#saysWhatIsPresent(local))];
    });
  }

  #manyIn(sequence: Sequence): readonly Decided[] {
    if (sequence.length < mostDecisions) return [];
    const decided = sequence.map((decision) => [decision, this.#decidedIn(decision)] as const);
    const counts = new Map<number, number>();
    for (const local of decided.flatMap(([, locals]) => locals)) counts.set(local, (counts.get(local) ?? 0) + 1);
    const manyInAll = decided.filter(([, locals]) => locals.length > 0).length >= mostDecisionsInAll;
    const isMany = (local: number): boolean => manyInAll || (counts.get(local) ?? 0) >= mostDecisions;
    const isHidden = (local: number): boolean => isMany(local) && !this.#saysWhatIsPresent(local);
    return decided.map(([decision, locals]) => [decision, locals.filter(isHidden)]);
  }

  /** A test makes known what it asks about. Counters stay as they are: they end loops. */
  #testedBy(decision: Statement): readonly number[] {
    const tested: number[] = [];
    walk(testsIn(decision), (node) => {
      if (node.kind !== "local" || this.#isCounter(node.local)) return;
      if (this.mayBe(node) || this.#copies.has(node.local)) tested.push(node.local);
    });
    return tested;
  }

  #isCounter(local: number): boolean {
    this.#counters ??= countersIn(this.#routine.body);
    return this.#counters.has(local);
  }

  /** A reference may be used where such a bool is true: the verifier must be able to tell its values apart. */
  #saysWhatIsPresent(local: number): boolean {
    if (this.#routine.locals[local]?.type.kind !== "bool") return false;
    this.#kept ??= boolsOfPresence(this.#routine.body);
    return this.#kept.has(local);
  }

  #decidedIn(decision: Statement): readonly number[] {
    if (decision.kind !== "let") return this.givenIn([decision]);
    const isKnown = this.#copies.has(decision.local) || (decision.value && this.mayBe(decision.value));
    return isKnown ? [decision.local] : [];
  }
}

/**
 * Statements that run one after another and give variables one of several values: those of a routine with the loops
 * and blocks in it, of one side of an `if`, of a function that was put in the place of its call. What is in a side of
 * one of them is a sequence of its own: the ways through both sides add up and do not multiply.
 */
type Sequence = readonly Statement[];

/** A statement, and the variables that are to be hidden behind it. */
type Decided = readonly [Statement, readonly number[]];

/** All in a routine, its own first. */
function sequencesIn(routine: readonly Statement[]): readonly Sequence[] {
  const sequences: Sequence[] = [];
  const open = (body: readonly Statement[]): void => {
    const sequence: Statement[] = [];
    sequences.push(sequence);
    const add = (statement: Statement): void => {
      if (isDecision(statement)) sequence.push(statement);
      forEachChild(statement, (child) => {
        if (!isStatement(child)) openIn(child);
        else if (statement.kind !== "if" && statement.kind !== "switch") add(child);
      });
      if (statement.kind === "if") [statement.then, statement.otherwise].forEach(open);
      if (statement.kind === "switch") [...statement.cases.map((one) => one.body), statement.otherwise].forEach(open);
    };
    body.forEach(add);
  };
  const openIn = (expression: Node): void => {
    if (expression.kind === "sequence") open(expression.body);
    forEachChild(expression, (child) => {
      if (!isStatement(child)) openIn(child);
    });
  };
  open(routine);
  return sequences;
}

function isDecision(statement: Statement): boolean {
  if (statement.kind === "if" || statement.kind === "switch") return true;
  if (statement.kind !== "let" && statement.kind !== "assign") return false;
  const { value } = statement;
  return value !== undefined && (isOptionalNumber(value) || isCopy(value) || someNode([value], isChoice));
}

/** Whether it is there is one of two known values. */
function isOptionalNumber({ type }: Expression): boolean {
  return type.kind === "optional" && type.of.kind !== "ref";
}

/** A copy of a map's value. */
function isCopy({ kind, type }: Expression): boolean {
  return kind === "operation" && type.kind === "optional" && type.of.kind === "ref" && type.of.region === "local";
}

/** The variables that are given a copy, and nothing else. */
function copiesIn(body: readonly Statement[]): ReadonlySet<number> {
  const counts = countBindings(body);
  const copies = new Set<number>();
  walk(body, (node) => {
    if (node.kind === "let" && node.value && isCopy(node.value) && counts.get(node.local) === 1) copies.add(node.local);
  });
  return copies;
}

/** What a statement asks about. */
function testsIn(decision: Statement): readonly Expression[] {
  if (decision.kind === "if") return [decision.test];
  if (decision.kind === "switch") return [decision.value];
  const tests: Expression[] = [];
  if ((decision.kind === "let" || decision.kind === "assign") && decision.value) {
    walk([decision.value], (node) => {
      if (node.kind === "conditional") tests.push(node.test);
      if (node.kind === "present" || node.kind === "logical") tests.push(node);
    });
  }
  return tests;
}

const choices: ReadonlySet<NodeKind> = new Set(["conditional", "compare", "logical", "present", "if", "switch"]);

function isChoice({ kind }: Node): boolean {
  return choices.has(kind);
}

/** Those that loops count with. */
function countersIn(body: readonly Statement[]): ReadonlySet<number> {
  const counters = new Set<number>();
  walk(body, (node) => {
    if (node.kind === "for") counters.add(node.local);
  });
  return counters;
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
      return isOptionalNumber(e);
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
