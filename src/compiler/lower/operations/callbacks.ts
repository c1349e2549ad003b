import type { OperationExpression } from "../../hir/tree.ts";
import { timerOffset } from "../../hir/verify/callbacks.ts";
import { FunctionBuilder } from "../../ir/builder.ts";
import { helpers } from "../../ir/helpers.ts";
import type { IrFunction, Value } from "../../ir/ir.ts";
import { lowerReference, lowerScalar } from "../expressions.ts";
import { type Lowered, nothing, scalar } from "../lowered.ts";
import type { Lowering } from "../lowering.ts";

/** CLOCK_MONOTONIC, as `time.now()` reads it. */
const monotonic = 1;

/** The address of the function of the callback that an operation hands over. */
function callbackAddress(l: Lowering, builder: FunctionBuilder, e: OperationExpression): Value {
  const index = e.constants![0]!;
  l.callbacks.add(index);
  return builder.functionAddress(l.module.callbacks[index]!.name, e.at);
}

/** The address of the timer in the value that the first argument refers to. */
function timerAddress(l: Lowering, e: OperationExpression): Value {
  const value = lowerReference(l, e.args[0]!);
  const offset = value.offset + timerOffset(l.module.maps[e.map!]!.value)!;
  return l.address({ ...value, offset }, e.at);
}

/**
 * Makes the timer (which gives -EBUSY once it is there), says what it calls, and arms it. The callback is set each
 * time: a program that replaced another one takes the timer over with it. A callback that starts its own timer again
 * only says when: what it calls is set, and the verifier comes to no end over a callback that sets itself.
 */
export function lowerTimerStart(l: Lowering, e: OperationExpression): Lowered {
  const { builder } = l;
  const timer = timerAddress(l, e);
  const delay = lowerScalar(l, e.args[1]!);
  const armsItself = l.module.callbacks[e.constants![0]!] === l.routine;
  const refused = armsItself ? l.constant(0, e.at) : setUp(l, e, timer);
  const failed = builder.callHelper(helpers.timerStart.id, [timer, delay, l.constant(0, e.at)], e.at);
  const either = builder.binary("or", 64, refused, failed, e.at);
  return scalar(l.presentWhen(e.at, (yes, no) => l.branchNonZero(either, no, yes, e.at)));
}

function setUp(l: Lowering, e: OperationExpression, timer: Value): Value {
  const { builder } = l;
  builder.callHelper(
    helpers.timerInit.id,
    [timer, builder.mapAddress(e.map!, e.at), l.constant(monotonic, e.at)],
    e.at,
  );
  return builder.callHelper(helpers.timerSetCallback.id, [timer, callbackAddress(l, builder, e)], e.at);
}

/** bpf_timer_cancel gives 1 for a timer that was armed, and an error for one that never was or that is running this. */
export function lowerTimerCancel(l: Lowering, e: OperationExpression): Lowered {
  const { builder } = l;
  const result = builder.callHelper(helpers.timerCancel.id, [timerAddress(l, e)], e.at);
  const armed = l.presentWhen(e.at, (yes, no) => {
    const right = l.constant(1, e.at);
    builder.branch({ op: "eq", width: 64, left: result, right, then: yes, otherwise: no, at: e.at });
  });
  return scalar(armed);
}

/**
 * A walk over a map is a global function, which the verifier checks on its own. In a loop it takes the states before a
 * call with a callback for done when it comes there again, although it has yet to follow ways behind the first time
 * (is_state_visited, kernel/bpf/verifier.c, Linux 6.18, without `loop` for bpf_calls_callback); it then leaves out
 * branches that are taken.
 */
export function lowerForEach(l: Lowering, e: OperationExpression): Lowered {
  const name = `${l.module.callbacks[e.constants![0]!]!.name}_walk`;
  if (!l.subprograms.some((one) => one.name === name)) l.subprograms.push(walkOverMap(l, name, e));
  l.builder.callFunction(name, [], e.at);
  return nothing;
}

function walkOverMap(l: Lowering, name: string, e: OperationExpression): IrFunction {
  const builder = new FunctionBuilder(name, "global", []);
  const zero = builder.constant(0n, e.at);
  const args = [builder.mapAddress(e.map!, e.at), callbackAddress(l, builder, e), zero, zero];
  builder.return(builder.callHelper(helpers.forEachMapElem.id, args, e.at), e.at);
  return builder.finish();
}
