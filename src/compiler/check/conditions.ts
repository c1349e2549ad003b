import type { CompareExpression, CompareOperator, Expression } from "../hir/tree.ts";
import type { Checker } from "./checker.ts";
import { evaluate, joinFlows, runSequence, withPresence } from "./expressions.ts";
import { learnPresence } from "./facts.ts";
import { assumeCompare, bit, type Interval, mirrored, negated, point } from "./interval.ts";
import { refine } from "./refine.ts";
import { applyOutcome, type FlowValue, joinStates, joinValues, type Outcome, State } from "./state.ts";

/** Where a condition leads: what holds when it is true, and when it is false. */
export interface Branches {
  readonly yes: State;
  readonly no: State;
}

/** Evaluates a bool in the checker's state and gives both outcomes; the checker's state is used up. */
export function branch(c: Checker, node: Expression): Branches {
  const before = c.state;
  const branches = branchOn(c, node);
  c.state = before;
  const { yes, no } = branches;
  if (!yes.dead || !no.dead) c.note(node, { low: no.dead ? 1n : 0n, high: yes.dead ? 0n : 1n });
  return branches;
}

function branchOn(c: Checker, node: Expression): Branches {
  switch (node.kind) {
    case "unary":
      if (node.operator === "not") {
        const { yes, no } = branch(c, node.value);
        return { yes: no, no: yes };
      }
      return branchOnValue(c, node);
    case "logical":
      return branchLogical(c, node.operator, node.left, node.right);
    case "compare":
      return node.left.type.kind === "optional" ? compareOptionals(c, node) : compareIntegers(c, node);
    case "present": {
      const { present, absent } = split(c, node.value);
      return { yes: present, no: absent };
    }
    case "conditional": {
      const test = branch(c, node.test);
      c.state = test.yes;
      const then = branch(c, node.then);
      c.state = test.no;
      const otherwise = branch(c, node.otherwise);
      return { yes: joinStates(then.yes, otherwise.yes), no: joinStates(then.no, otherwise.no) };
    }
    case "sequence": {
      runSequence(c, node.body);
      const branches = branch(c, node.value);
      c.forget(node.body, branches.yes, branches.no);
      return branches;
    }
    default:
      return branchOnValue(c, node);
  }
}

function branchLogical(c: Checker, operator: "and" | "or", left: Expression, right: Expression): Branches {
  const first = branch(c, left);
  c.state = operator === "and" ? first.yes : first.no;
  const second = branch(c, right);
  return operator === "and"
    ? { yes: second.yes, no: joinStates(first.no, second.no) }
    : { yes: joinStates(first.yes, second.yes), no: second.no };
}

/** A bool that is a value: a variable, a load, a conversion from a number. */
function branchOnValue(c: Checker, node: Expression): Branches {
  if (node.kind === "convert" && node.to === "bool") return branchOnNumber(c, node.value);
  const value = evaluate(c, node);
  const range = value.range ?? bit;
  const outcome = node.kind === "local" ? value.outcome : undefined;
  const yes = range.high === 0n ? State.dead() : withOutcome(c.state, outcome, "yes");
  const no = range.low === 1n ? State.dead() : withOutcome(c.state, outcome, "no");
  refine(c, yes, node, point(1n));
  refine(c, no, node, point(0n));
  return { yes, no };
}

/** A copy of the state in which a test that was kept came out this way. */
function withOutcome(state: State, outcome: Outcome | undefined, side: "yes" | "no"): State {
  const copy = state.copy();
  return !outcome || applyOutcome(copy, outcome[side], outcome.after) ? copy : State.dead();
}

/** A number in place of a bool: any but zero is true. */
function branchOnNumber(c: Checker, node: Expression): Branches {
  const { low, high } = evaluate(c, node).range ?? bit;
  const yes = low === 0n && high === 0n ? State.dead() : c.state.copy();
  const no = low > 0n || high < 0n ? State.dead() : c.state.copy();
  refine(c, no, node, point(0n));
  return { yes, no };
}

function compareIntegers(c: Checker, node: CompareExpression): Branches {
  const left = evaluate(c, node.left).range;
  const right = evaluate(c, node.right).range;
  return compareIn(c, node, c.state, left ?? bit, right ?? bit);
}

/** Both outcomes of a comparison whose operands were evaluated in this state. */
function compareIn(c: Checker, node: CompareExpression, state: State, left: Interval, right: Interval): Branches {
  const assume = (operator: CompareOperator): State => {
    const holding = state.copy();
    const newLeft = assumeCompare(operator, left, right);
    const newRight = assumeCompare(mirrored(operator), right, left);
    if (!newLeft || !newRight) return State.dead();
    // A variable that the right side assigns is no longer what the left side read.
    const stable = !c.assigns(node.right);
    if (stable && !refine(c, holding, node.left, newLeft)) return State.dead();
    return refine(c, holding, node.right, newRight) ? holding : State.dead();
  };
  if (state.dead) return { yes: state, no: state };
  return { yes: assume(node.operator), no: assume(negated(node.operator)) };
}

/** Two absent values are equal, an absent and a present one are not. */
function compareOptionals(c: Checker, node: CompareExpression): Branches {
  const left = split(c, node.left);
  c.state = left.present;
  const ofPresent = split(c, node.right);
  c.state = left.absent;
  const ofAbsent = split(c, node.right);
  const equal = { ...node, operator: "equal" } as const;
  const both = compareIn(c, equal, ofPresent.present, left.value.range ?? bit, ofPresent.value.range ?? bit);
  const yes = joinStates(both.yes, ofAbsent.absent);
  const no = joinStates(joinStates(both.no, ofPresent.absent), ofAbsent.present);
  return node.operator === "equal" ? { yes, no } : { yes: no, no: yes };
}

/** What holds when an optional is present, with its value there, and what holds when it is absent. */
export interface Split {
  readonly present: State;
  readonly absent: State;
  readonly value: FlowValue;
}

/** Evaluates an optional in the checker's state; the checker's state is used up. */
export function split(c: Checker, node: Expression): Split {
  switch (node.kind) {
    case "some": {
      const value = evaluate(c, node.value);
      return { present: c.state, absent: State.dead(), value };
    }
    case "none":
      return { present: State.dead(), absent: c.state, value: { presence: "absent" } };
    case "conditional": {
      const test = branch(c, node.test);
      c.state = test.yes;
      const then = split(c, node.then);
      c.state = test.no;
      const otherwise = split(c, node.otherwise);
      const present = joinStates(then.present, otherwise.present);
      const value = joinValues(then.value, then.present, otherwise.value, otherwise.present, present);
      return { present, absent: joinStates(then.absent, otherwise.absent), value };
    }
    case "sequence": {
      runSequence(c, node.body);
      const parts = split(c, node.value);
      c.forget(node.body, parts.present, parts.absent);
      return parts;
    }
    default:
      return splitValue(c, node);
  }
}

function splitValue(c: Checker, node: Expression): Split {
  const value = evaluate(c, node);
  const known = (presence: "present" | "absent"): State => {
    if (value.presence !== "maybe" && value.presence !== presence) return State.dead();
    if (node.kind !== "local") {
      const anew = c.state.copy();
      learnPresence(anew, node, presence);
      return anew;
    }
    const state = withOutcome(c.state, value.outcome, presence === "present" ? "yes" : "no");
    const local = state.locals.get(node.local);
    if (local) state.locals.set(node.local, { ...local, presence });
    return state;
  };
  return { present: known("present"), absent: known("absent"), value: withPresence(value) };
}

/** Evaluates an expression on both sides of a condition and goes on with what they have in common. */
export function choose(c: Checker, test: Expression, then: Expression, otherwise: Expression): FlowValue {
  const { yes, no } = branch(c, test);
  c.state = yes;
  const first = evaluate(c, then);
  const afterFirst = c.state;
  c.state = no;
  const second = evaluate(c, otherwise);
  return joinFlows(c, first, afterFirst, second, c.state);
}
