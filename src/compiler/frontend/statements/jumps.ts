import ts from "typescript";
import { messages } from "../../diagnostics.ts";
import { sequenceOf } from "../blocks.ts";
import type { Frame, Jump } from "../frame.ts";
import { evaluateBlock, evaluateStatement } from "./evaluate.ts";

export function breakStatement(frame: Frame, node: ts.BreakStatement): boolean {
  const target = frame.state.jumps.findLast((one) => (node.label ? one.name === node.label.text : !one.labelOnly));
  return jump(frame, target?.breakTo, node);
}

export function continueStatement(frame: Frame, node: ts.ContinueStatement): boolean {
  const target = frame.state.jumps.findLast(
    (one) => one.continueTo && (node.label === undefined || one.name === node.label.text),
  );
  return jump(frame, target?.continueTo, node);
}

function jump(frame: Frame, target: Jump | undefined, node: ts.Statement): boolean {
  if (!target) {
    if (frame.state.locked) frame.fail(node, messages.lockedReturn("break or continue"));
    return true;
  }
  target.used();
  frame.emitter.emit({ kind: target.kind, label: target.label, at: frame.at(node) });
  return true;
}

/** `name: statement`: the name of a loop, or a block that `break name` leaves. */
export function labelledStatement(frame: Frame, node: ts.LabeledStatement): boolean {
  const inner = node.statement;
  if (ts.isForStatement(inner) || ts.isForOfStatement(inner) || ts.isSwitchStatement(inner))
    return evaluateStatement(frame.with({ loopName: node.label.text }), inner);
  const { emitter } = frame;
  const label = emitter.newLabel();
  let used = false;
  const breakTo: Jump = { kind: "break", label, used: () => (used = true) };
  const jumps = [...frame.state.jumps, { name: node.label.text, breakTo, labelOnly: true as const }];
  const { statements, result } = emitter.capture(() => evaluateBlock(frame.with({ jumps }), inner));
  if (used || statements.length > 0) emitter.emit(sequenceOf(label, statements, used, frame.at(node)));
  return result && !used;
}
