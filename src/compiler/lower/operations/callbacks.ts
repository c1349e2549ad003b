import type { OperationExpression } from "../../hir/tree.ts";
import { timerOffset } from "../../hir/verify/callbacks.ts";
import { helpers } from "../../ir/helpers.ts";
import type { Value } from "../../ir/ir.ts";
import { lowerReference, lowerScalar } from "../expressions.ts";
import { type Lowered, nothing, scalar } from "../lowered.ts";
import type { Lowering } from "../lowering.ts";

/** CLOCK_MONOTONIC, as `time.now()` reads it. */
const monotonic = 1;

/** The address of the function of the callback that an operation hands over. */
function callbackAddress(l: Lowering, e: OperationExpression): Value {
  const index = e.constants![0]!;
  l.callbacks.add(index);
  return l.builder.functionAddress(l.module.callbacks[index]!.name, e.at);
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
  return builder.callHelper(helpers.timerSetCallback.id, [timer, callbackAddress(l, e)], e.at);
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

export function lowerForEach(l: Lowering, e: OperationExpression): Lowered {
  const map = l.builder.mapAddress(e.map!, e.at);
  const zero = l.constant(0, e.at);
  l.builder.callHelper(helpers.forEachMapElem.id, [map, callbackAddress(l, e), zero, zero], e.at);
  return nothing;
}
