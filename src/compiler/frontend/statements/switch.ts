import ts from "typescript";
import { messages } from "../../diagnostics.ts";
import type { Expression, Statement, SwitchStatement } from "../../hir/tree.ts";
import { expressionOf } from "../coerce.ts";
import { equality, presence } from "../equality.ts";
import { evaluate } from "../expressions/evaluate.ts";
import type { Frame, Jump } from "../frame.ts";
import { withoutAbsence } from "../narrowing.ts";
import { Scope } from "../scope.ts";
import { settle } from "../settle.ts";
import { describe, poison, type Value } from "../values.ts";
import { evaluateStatements } from "./evaluate.ts";

/** The cases that share a body. */
interface Group {
  readonly tests: readonly ts.Expression[];
  readonly isDefault: boolean;
  readonly body: readonly ts.Statement[];
}

export function switchStatement(frame: Frame, node: ts.SwitchStatement): boolean {
  const value = evaluate(frame, node.expression);
  const groups = groupsOf(node.caseBlock);
  if (value.kind === "poison") return false;
  if (value.kind === "constant" || value.kind === "string") return decided(frame, value, groups, node);
  return runtimeSwitch(frame, value, groups, node);
}

function groupsOf(block: ts.CaseBlock): readonly Group[] {
  const groups: Group[] = [];
  let tests: ts.Expression[] = [];
  let isDefault = false;
  for (const [index, clause] of block.clauses.entries()) {
    if (ts.isCaseClause(clause)) tests.push(clause.expression);
    else isDefault = true;
    if (clause.statements.length === 0 && index < block.clauses.length - 1) continue;
    groups.push({ tests, isDefault, body: clause.statements });
    tests = [];
    isDefault = false;
  }
  return groups;
}

/** The compiler knows which case it is. */
function decided(frame: Frame, value: Value, groups: readonly Group[], node: ts.SwitchStatement): boolean {
  let undecided = false;
  const matches = (group: Group): boolean =>
    group.tests.some((test) => {
      const same = equality(frame, true, value, evaluate(frame, test), test);
      if (same.kind === "constant") return same.value === true;
      undecided = true;
      if (same.kind !== "poison") frame.fail(test, messages.notConstant("a case"));
      return false;
    });
  const chosen = groups.find(matches) ?? groups.find((group) => group.isDefault);
  if (!chosen || undecided) return false;
  const { emitter } = frame;
  const label = emitter.newLabel();
  const { statements, ended, left } = body(frame, chosen, label);
  if (left) emitter.emit({ kind: "block", label, body: statements, at: frame.at(node) });
  else for (const statement of statements) emitter.emit(statement);
  return ended && !left;
}

function runtimeSwitch(frame: Frame, given: Value, groups: readonly Group[], node: ts.SwitchStatement): boolean {
  const held = heldOnce(frame, given, node.expression);
  const value = withoutAbsence(frame, held, node.expression);
  const expression = scrutinee(frame, value, node.expression);
  if (!expression) return false;
  const label = frame.emitter.newLabel();
  const { cases, otherwise, ended } = bodies(frame, value, expression, groups, label);
  const present = presence(frame, held, node);
  const parts = { label, value: expression, cases, otherwise, at: frame.at(node) };
  if (present && present.kind !== "constant") emitWhere(frame, present, parts);
  else frame.emitter.emit({ kind: "switch", ...parts });
  return ended;
}

/** What may be absent is held, for it is tested and used. */
function heldOnce(frame: Frame, value: Value, node: ts.Expression): Value {
  const optional = value.kind === "runtime" && value.expression.type.kind === "optional";
  return optional || value.kind === "guarded" ? settle(frame, value, "held", node) : value;
}

/** The lists are the ones that were written to: a return in them gets its value later (`merge`). */
interface Parts extends Omit<SwitchStatement, "kind"> {
  readonly cases: readonly { readonly values: readonly bigint[]; readonly body: Statement[] }[];
  readonly otherwise: Statement[];
}

/** A switch over what may be absent, which then goes where no case does: behind the cases, which leave the block. */
function emitWhere(frame: Frame, present: Expression, { label, otherwise, ...parts }: Parts): void {
  const { emitter } = frame;
  const { at } = parts;
  for (const { body } of parts.cases) body.push({ kind: "break", label, at });
  const inner = { kind: "switch", ...parts, label: emitter.newLabel(), otherwise: [] } as const;
  otherwise.unshift({ kind: "if", test: present, then: [inner], otherwise: [], at });
  emitter.emit({ kind: "block", label, body: otherwise, at });
}

/** The cases with their values; `ended`: no way leads behind the switch. */
function bodies(frame: Frame, value: Value, expression: Expression, groups: readonly Group[], label: number) {
  const cases: Parts["cases"][number][] = [];
  let otherwise: Statement[] = [];
  let ended = groups.some((group) => group.isDefault);
  const seen = new Set<bigint>();
  for (const group of groups) {
    const values = group.tests.flatMap((test) => {
      const one = caseValue(frame, value, expression, test);
      // The first case of a value takes it.
      if (one === undefined || seen.has(one)) return [];
      seen.add(one);
      return [one];
    });
    const one = body(frame, group, label);
    ended &&= one.ended && !one.left;
    if (group.isDefault) otherwise = one.statements;
    else if (values.length > 0) cases.push({ values, body: one.statements });
  }
  return { cases, otherwise, ended };
}

function scrutinee(frame: Frame, value: Value, node: ts.Expression): Expression | undefined {
  const expression = expressionOf(frame, value, node);
  if (!expression || /^(number|u64|i64)$/.test(expression.type.kind)) return expression;
  frame.fail(node, messages.unexpectedValue("an integer to switch over", describe(value)));
  return undefined;
}

function caseValue(frame: Frame, value: Value, expression: Expression, test: ts.Expression): bigint | undefined {
  const one = evaluate(frame, test);
  if (one.kind === "string" && value.kind === "runtime" && value.names) {
    const member = value.names.find(([name]) => name === one.text);
    if (member) return member[1];
  }
  if (one.kind === "constant" && typeof one.value === "bigint") {
    const fits = one.type === expression.type.kind || (one.type === "bigint" && expression.type.kind !== "number");
    if (fits) return one.value;
    frame.fail(test, messages.mixedIntegers(one.type, expression.type.kind));
  } else if (one !== poison) {
    frame.fail(test, messages.notConstant("a case"));
  }
  return undefined;
}

/** The statements of a case, without the `break` that ends it. `left`: another break leaves from inside. */
function body(frame: Frame, group: Group, label: number) {
  let left = false;
  const breakTo: Jump = { kind: "break", label, used: () => (left = true) };
  const name = frame.state.loopName;
  const jumps = [...frame.state.jumps, name === undefined ? { breakTo } : { breakTo, name }];
  const inner = frame.with({ jumps, scope: new Scope(frame.scope), loopName: undefined });
  const own = withoutBreak(group.body);
  const { statements, result } = frame.emitter.capture(() => evaluateStatements(inner, own.statements));
  return { statements, ended: result, left };
}

function withoutBreak(statements: readonly ts.Statement[]) {
  const only = statements.length === 1 ? statements[0] : undefined;
  const inner = only && ts.isBlock(only) ? only.statements : statements;
  const last = inner.at(-1);
  const broke = last !== undefined && ts.isBreakStatement(last) && !last.label;
  return { statements: broke ? inner.slice(0, -1) : inner, broke };
}
