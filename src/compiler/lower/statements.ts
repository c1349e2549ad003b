import { sizeOf } from "../hir/layout.ts";
import type { IfStatement, ReturnStatement, Statement, SwitchStatement } from "../hir/tree.ts";
import { helpers } from "../ir/helpers.ts";
import { blurLocals, blurredValue } from "./blur.ts";
import { lowerCondition } from "./conditions.ts";
import { lowerExpression, lowerReference, lowerScalar } from "./expressions.ts";
import { lowerFor } from "./loops.ts";
import type { Lowering } from "./lowering.ts";
import { copyBytes, storeScalar } from "./memory.ts";

/** Lowers statements until one of them leaves: what stands behind it is never reached. */
export function lowerStatements(l: Lowering, statements: readonly Statement[]): void {
  for (const statement of statements) {
    if (l.builder.terminated) return;
    lowerStatement(l, statement);
  }
}

function lowerStatement(l: Lowering, s: Statement): void {
  switch (s.kind) {
    case "let":
      l.writeLocal(s.local, s.value ? lowerExpression(l, s.value) : firstValue(l, s.local, s.at), s.at);
      blurLocals(l, l.known.decidedBy(s), s.at);
      return;
    case "assign":
      l.writeLocal(s.local, lowerExpression(l, s.value), s.at);
      blurLocals(l, l.known.decidedBy(s), s.at);
      return;
    case "store": {
      const target = lowerReference(l, s.target);
      const value = lowerScalar(l, s.value);
      const hidden = l.isInLoop && target.region === "local" && l.known.mayBe(s.value);
      storeScalar(l, target, hidden ? blurredValue(l, value, s.at) : value, s.at);
      return;
    }
    case "copy": {
      const target = lowerReference(l, s.target);
      copyBytes(l, target, lowerReference(l, s.source), sizeOf(target.layout), s.at);
      return;
    }
    case "expression":
      lowerExpression(l, s.value);
      return;
    case "if":
      lowerIf(l, s);
      blurLocals(l, l.known.decidedBy(s), s.at);
      return;
    case "switch":
      lowerSwitch(l, s);
      blurLocals(l, l.known.decidedBy(s), s.at);
      return;
    case "for":
      lowerFor(l, s);
      return;
    case "block":
      lowerLabelled(l, s.label, s.body, s.at);
      return;
    case "break":
      l.jumpOut(s.label, "leave", s.at);
      return;
    case "continue":
      l.jumpOut(s.label, "next", s.at);
      return;
    case "return":
      lowerReturn(l, s);
      return;
    case "lock":
      lowerLock(l, s);
  }
}

function firstValue(l: Lowering, local: number, at: number) {
  const { type } = l.routine.locals[local]!;
  if (type.kind === "optional") return l.absentValue(type, at);
  return { kind: "scalar", value: l.constant(0, at) } as const;
}

function lowerIf(l: Lowering, s: IfStatement): void {
  const { builder } = l;
  const then = builder.newBlock();
  const otherwise = builder.newBlock();
  const after = builder.newBlock();
  lowerCondition(l, s.test, then, otherwise);
  for (const [block, body] of [
    [then, s.then],
    [otherwise, s.otherwise],
  ] as const) {
    builder.seal(block);
    builder.switchTo(block);
    lowerStatements(l, body);
    if (!builder.terminated) builder.jump(after, s.at);
  }
  builder.seal(after);
  builder.switchTo(after);
}

/** Comparisons in the order of the cases; the optimiser turns long ones into a binary search. */
function lowerSwitch(l: Lowering, s: SwitchStatement): void {
  const { builder } = l;
  const value = lowerScalar(l, s.value);
  const after = builder.newBlock();
  l.setTarget(s.label, { leave: after });
  const bodies = s.cases.map((one) => ({ ...one, block: builder.newBlock() }));
  for (const { values, block } of bodies) {
    for (const candidate of values) {
      const next = builder.newBlock();
      const right = l.constant(candidate, s.at);
      builder.branch({ op: "eq", width: 64, left: value, right, then: block, otherwise: next, at: s.at });
      builder.seal(next);
      builder.switchTo(next);
    }
  }
  lowerStatements(l, s.otherwise);
  if (!builder.terminated) builder.jump(after, s.at);
  for (const { block, body } of bodies) {
    builder.seal(block);
    builder.switchTo(block);
    lowerStatements(l, body);
    if (!builder.terminated) builder.jump(after, s.at);
  }
  builder.seal(after);
  builder.switchTo(after);
}

function lowerLabelled(l: Lowering, label: number, body: readonly Statement[], at: number): void {
  const after = l.builder.newBlock();
  l.setTarget(label, { leave: after });
  lowerStatements(l, body);
  if (!l.builder.terminated) l.builder.jump(after, at);
  l.builder.seal(after);
  l.builder.switchTo(after);
}

/** Tracers return nothing; the kernel wants 0 from them. */
function lowerReturn(l: Lowering, s: ReturnStatement): void {
  l.leave(s.value ? lowerScalar(l, s.value) : l.constant(0, s.at), s.at);
}

function lowerLock(l: Lowering, s: Extract<Statement, { kind: "lock" }>): void {
  const lock = l.address(lowerReference(l, s.lock), s.at);
  const release = (): void => {
    l.builder.callHelper(helpers.spinUnlock.id, [lock], s.at);
  };
  l.builder.callHelper(helpers.spinLock.id, [lock], s.at);
  l.protect(release, () => lowerStatements(l, s.body));
  release();
}
