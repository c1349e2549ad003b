import type { Callback, Module, OperationExpression, Routine } from "../hir/tree.ts";
import { type Node, walk } from "../hir/walk.ts";
import { armsInCircle, type Finding } from "./findings.ts";
import { iteratesOver } from "./structure.ts";

/** Whether a timer's callback starts a timer that calls it again: it takes its own, whose callback is set already. */
export function armsItself(module: Module, routine: Routine, node: OperationExpression): boolean {
  return routine.kind === "timer" && armedBy(module, node) === routine;
}

function armedBy(module: Module, node: Node): Callback | undefined {
  return node.kind === "operation" && node.operation === "timer.start"
    ? module.callbacks[node.constants?.[0] ?? 0]
    : undefined;
}

interface Arming {
  readonly at: number;
  readonly callback: Callback;
}

/**
 * The verifier walks a callback wherever it is set, each time anew (push_async_cb): callbacks that set one another in
 * a circle have no end.
 */
export function checkArming(module: Module): readonly Finding[] {
  return module.callbacks.flatMap((callback) =>
    callback.kind === "timer"
      ? armings(module, callback)
          .filter((one) => leadsTo(module, one.callback, callback, new Set()))
          .map((one) => armsInCircle(one.at))
      : [],
  );
}

/** The timers that a timer's callback sets up, also in what it runs over maps; not its own. */
function armings(module: Module, callback: Callback): readonly Arming[] {
  const found: Arming[] = [];
  const search = (routine: Callback): void =>
    walk(routine.body, (node) => {
      const armed = armedBy(module, node);
      if (armed && armed !== routine) found.push({ at: node.at, callback: armed });
      const inner = routine.kind === "element" ? undefined : iteratesOver(module, node);
      if (inner) search(inner);
    });
  search(callback);
  return found;
}

function leadsTo(module: Module, from: Callback, to: Callback, seen: Set<Callback>): boolean {
  if (from === to) return true;
  if (seen.has(from)) return false;
  seen.add(from);
  return armings(module, from).some((one) => leadsTo(module, one.callback, to, seen));
}
