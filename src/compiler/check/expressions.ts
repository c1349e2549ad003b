import { evaluateUnary, type IntegerKind } from "../hir/arithmetic.ts";
import type { Layout, ScalarLayout } from "../hir/layout.ts";
import { isScalar } from "../hir/layout.ts";
import { settingAt } from "../hir/settings-tree.ts";
import type {
  BinaryExpression,
  ConvertExpression,
  ElementExpression,
  Expression,
  KernelFieldExpression,
  LoadExpression,
  LocalExpression,
  MatchExpression,
  NewExpression,
  SettingExpression,
  Statement,
  UnaryExpression,
} from "../hir/tree.ts";
import type { RefType, Type } from "../hir/types.ts";
import { partAt } from "../hir/verify/expressions.ts";
import type { Checker } from "./checker.ts";
import { branch, choose, split } from "./conditions.ts";
import { factKey } from "./facts.ts";
import {
  conversionMayNotFit,
  indexOutOfRange,
  kernelMemory,
  maybeAbsent,
  mayNotFit,
  mayOverflow,
  partOfContext,
  shiftOutOfRange,
  unassigned,
} from "./findings.ts";
import {
  binaryInterval,
  bit,
  contains,
  countFits,
  fullInterval,
  type Interval,
  interval,
  limits,
  meet,
  point,
  wrapInterval,
} from "./interval.ts";
import { checkReadable, isAddress } from "./memory.ts";
import { evaluateOperation } from "./operations.ts";
import { type FlowValue, integerValue, joinStates, joinValues, present, type State } from "./state.ts";
import { runStatements } from "./statements.ts";

type Rules = {
  readonly [K in Expression["kind"]]: (c: Checker, node: Extract<Expression, { readonly kind: K }>) => FlowValue;
};

/** Evaluates an expression in the checker's state, which holds what is known afterwards. */
export function evaluate(c: Checker, node: Expression): FlowValue {
  c.visit();
  const value = (rules[node.kind] as (c: Checker, node: Expression) => FlowValue)(c, node);
  const range = value.range ?? (isIntegral(node.type) ? allOf(node.type) : undefined);
  if (!range || !isIntegral(node.type)) return value;
  const key = c.state.facts.size > 0 ? factKey(node) : undefined;
  const fact = key === undefined ? undefined : c.state.facts.get(key);
  const both = (fact && meet(range, fact)) ?? range;
  c.note(node, both);
  return both === value.range ? value : { ...value, range: both };
}

const rules: Rules = {
  constant: (_, node) => integerValue(point(BigInt(node.value))),
  local: readLocal,
  setting: (c, node) => integerValue(settingRange(c, node)),
  load: evaluateLoad,
  field(c, node) {
    const base = evaluate(c, node.base);
    forbidKernel(c, node.base);
    return base;
  },
  element: evaluateElement,
  kernelField: evaluateKernelField,
  unary: evaluateUnaryRange,
  binary: evaluateBinaryRange,
  compare: evaluateCondition,
  logical: evaluateCondition,
  convert: evaluateConvert,
  conditional(c, node) {
    return node.type.kind === "bool" ? evaluateCondition(c, node) : choose(c, node.test, node.then, node.otherwise);
  },
  some: (c, node) => withPresence(evaluate(c, node.value)),
  none: () => ({ presence: "absent" }),
  present: evaluateCondition,
  unwrap(c, node) {
    const value = evaluate(c, node.value);
    if (value.presence !== "present") c.report(maybeAbsent(node.at, readsAnew(node.value)));
    return withPresence(value);
  },
  new: evaluateNew,
  sequence(c, node) {
    runSequence(c, node.body);
    const value = evaluate(c, node.value);
    c.forget(node.body, c.state);
    return value;
  },
  operation: evaluateOperation,
  match: evaluateMatch,
};

/** What another test has read is another value: of the kernel's memory, of the packet after a change. */
function readsAnew({ kind }: Expression): boolean {
  return kind === "kernelField" || kind === "operation";
}

/** A value as one that is there. What its being true said is not what its being present says. */
export function withPresence({ outcome: _, ...value }: FlowValue): FlowValue {
  return { ...value, presence: "present" };
}

/** Runs the statements of a sequence; what they declare stays known for its value. */
export function runSequence(c: Checker, body: readonly Statement[]): void {
  runStatements(c, body);
}

function isIntegral(type: Type): boolean {
  return type.kind === "number" || type.kind === "u64" || type.kind === "i64" || type.kind === "bool";
}

/** All values of a type; undefined for what is no integer. */
export function allOf(type: Type): Interval | undefined {
  const of = type.kind === "optional" ? type.of : type;
  if (of.kind === "bool") return bit;
  return of.kind === "number" || of.kind === "u64" || of.kind === "i64" ? fullInterval(of.kind) : undefined;
}

/** Goes on with what both of two evaluated alternatives have in common. */
export function joinFlows(c: Checker, first: FlowValue, afterFirst: State, second: FlowValue, after: State): FlowValue {
  const joined = joinStates(afterFirst, after);
  c.state = joined;
  return joinValues(first, afterFirst, second, after, joined);
}

/** A condition as a value. */
function evaluateCondition(c: Checker, node: Expression): FlowValue {
  const { yes, no } = branch(c, node);
  c.state = joinStates(yes, no);
  return integerValue(interval(no.dead && !yes.dead ? 1n : 0n, yes.dead && !no.dead ? 0n : 1n));
}

function readLocal(c: Checker, node: LocalExpression): FlowValue {
  const value = c.state.locals.get(node.local);
  if (!value) {
    c.report(unassigned(node.at, c.routine.locals[node.local]?.name ?? String(node.local)));
    return unknownValue(node.type);
  }
  c.use(value, node.at);
  // Reported here once: what is made of it is not reported again.
  return c.state.isStale(value) ? { ...value, epoch: c.state.epoch } : value;
}

/** A value of which only the type is known. */
export function unknownValue(type: Type): FlowValue {
  const range = allOf(type);
  return { presence: type.kind === "optional" ? "maybe" : "present", ...(range ? { range } : {}) };
}

function settingRange(c: Checker, node: SettingExpression): Interval {
  const declared = settingAt(c.module.settings, node.path);
  if (declared) return interval(declared.low, declared.high);
  return node.width ? limits(node.width) : (allOf(node.type) ?? bit);
}

/** The values that a scalar in memory can have. */
export function layoutRange(layout: ScalarLayout): Interval {
  switch (layout.kind) {
    case "bool":
      return bit;
    case "integer":
      return limits(`${layout.signed ? "i" : "u"}${layout.bits}`);
    case "bits":
      return interval(0n, (1n << BigInt(layout.width)) - 1n);
  }
}

function evaluateLoad(c: Checker, node: LoadExpression): FlowValue {
  const ref = evaluate(c, node.ref);
  c.use(ref, node.at);
  checkReadable(c, node.ref, node.at);
  const { type } = node.ref;
  if (type.kind !== "ref" || !isScalar(type.layout)) return unknownValue(node.type);
  return integerValue(layoutRange(type.layout));
}

function forbidKernel(c: Checker, base: Expression): void {
  if (base.type.kind === "ref" && base.type.region === "kernel") c.report(kernelMemory(base.at));
}

function evaluateElement(c: Checker, node: ElementExpression): FlowValue {
  const base = evaluate(c, node.base);
  const index = evaluate(c, node.index).range ?? fullInterval("number");
  forbidKernel(c, node.base);
  const { layout, region } = node.base.type as RefType;
  const length = layout.kind === "array" || layout.kind === "bytes" ? layout.length : 0;
  if (index.low < 0n || index.high >= BigInt(length)) c.report(indexOutOfRange(node.index.at, index, length));
  if (region === "context" && index.low !== index.high)
    c.report(partOfContext(node.at, isAddress(layout) ? "an address" : "another field"));
  return base;
}

function evaluateKernelField(c: Checker, node: KernelFieldExpression): FlowValue {
  evaluate(c, node.base);
  const value = unknownValue(node.type);
  return node.width && value.range ? { ...value, range: limits(node.width) } : value;
}

/** Reports arithmetic whose exact result may be beyond 64 bits, and goes on with what fits. */
function exact(c: Checker, node: Expression, result: Interval): FlowValue {
  const all = fullInterval("number");
  if (node.type.kind !== "number" || contains(all, result)) return integerValue(result);
  c.report(mayOverflow(node.at, result));
  return integerValue(meet(all, result) ?? all);
}

function evaluateUnaryRange(c: Checker, node: UnaryExpression): FlowValue {
  if (node.operator === "not") return evaluateCondition(c, node);
  const value = evaluate(c, node.value).range ?? fullInterval("number");
  const kind = node.type.kind as IntegerKind;
  const ends = [value.low, value.high].map((end) => evaluateUnary(node.operator as "negate", kind, end));
  const [first, last] = [ends[1]!, ends[0]!];
  // Both operators reverse the order of what they do not wrap.
  if (node.operator === "bitNot" && kind === "number" && !contains(limits("u32"), value))
    return integerValue(limits("u32"));
  return first <= last ? exact(c, node, interval(first, last)) : integerValue(fullInterval(kind));
}

function evaluateBinaryRange(c: Checker, node: BinaryExpression): FlowValue {
  const kind = node.type.kind as IntegerKind;
  const left = evaluate(c, node.left).range ?? fullInterval(kind);
  const right = evaluate(c, node.right).range ?? fullInterval(kind);
  if (!countFits(node.operator, kind, right))
    c.report(shiftOutOfRange(node.right.at, right, kind === "number" ? 31n : 63n));
  return exact(c, node, binaryInterval(node.operator, kind, left, right));
}

function evaluateConvert(c: Checker, node: ConvertExpression): FlowValue {
  if (node.to === "bool") return evaluateCondition(c, node);
  const value = evaluate(c, node.value).range ?? bit;
  if (node.to !== "number") return integerValue(wrapInterval(node.to, value));
  const all = fullInterval("number");
  if (!contains(all, value)) c.report(conversionMayNotFit(node.at, value));
  return integerValue(meet(all, value) ?? all);
}

/** Reports when a value may not fit a scalar place; gives what is known of it there. */
export function checkFits(c: Checker, value: FlowValue, layout: ScalarLayout, at: number): void {
  if (!value.range || layout.kind === "bool") return;
  if (layout.kind === "integer" && layout.bits === 64) return;
  const allowed = layoutRange(layout);
  const sign = layout.kind === "integer" && layout.signed ? "i" : "u";
  const target = layout.kind === "bits" ? `a field of ${layout.width} bits` : `${sign}${layout.bits}`;
  if (!contains(allowed, value.range)) c.report(mayNotFit(at, value.range, target, allowed));
}

function evaluateNew(c: Checker, node: NewExpression): FlowValue {
  for (const field of node.fields) {
    const value = evaluate(c, field.value);
    const part: Layout | undefined = partAt(node.type.layout, field.path);
    c.use(value, field.value.at);
    if (part && isScalar(part)) checkFits(c, value, part, field.value.at);
    else checkReadable(c, field.value, field.value.at);
  }
  return present;
}

/** A subject outside of its matcher's type would be outside of every rule, of one that accepts anything as well. */
function checkSubject(c: Checker, setting: string, subject: MatchExpression["subjects"][number], value: FlowValue) {
  const type = c.module.settings.find((one) => one.name === setting)?.type;
  const element = type?.kind === "list" || type?.kind === "set" ? type.element : undefined;
  const fields = element?.kind === "struct" ? element.fields : [];
  const matcher = element?.kind === "matcher" ? element : fields.find((one) => one.name === subject.field)?.type;
  if (matcher?.kind !== "matcher" || matcher.name === "u64" || matcher.name === "i64" || !value.range) return;
  const wanted = limits(matcher.name);
  if (!contains(wanted, value.range)) c.report(mayNotFit(subject.value.at, value.range, matcher.name, wanted));
}

function evaluateMatch(c: Checker, node: MatchExpression): FlowValue {
  for (const subject of node.subjects) {
    const value = evaluate(c, subject.value);
    c.use(value, subject.value.at);
    if (subject.value.type.kind === "ref") checkReadable(c, subject.value, subject.value.at);
    else checkSubject(c, node.setting, subject, value);
  }
  return { presence: "maybe", range: interval(0n, 2n ** 53n - 1n) };
}

export { split };
