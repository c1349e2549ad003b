import type { OperationName } from "../../../language/operations.ts";
import type { Callback } from "../tree.ts";
import type { Call, Rule } from "./operations.ts";
import { runCallback } from "./statements.ts";
import { keyOfValue } from "./timers.ts";
import { InterpreterTrap } from "./trap.ts";
import { asInteger, asMemory } from "./values.ts";

function callbackOf({ machine, node }: Call): Callback {
  const callback = machine.module.callbacks[node.constants?.[0] ?? 0];
  if (!callback) throw new InterpreterTrap("no such callback", node.at);
  return callback;
}

/** The bytes of the live value that an argument refers to. */
function valueOf({ args, node }: Call): Uint8Array {
  return asMemory(args[0], node.at).storage.bytes;
}

export const callbackOperations = {
  "map.forEach"(call) {
    const { machine, node } = call;
    const { store } = machine.map(node.map, node.at);
    const callback = callbackOf(call);
    for (const [key, value] of store.each(machine.cpu)) {
      machine.step(node.at);
      runCallback(machine, callback, key.slice(), value);
    }
    return undefined;
  },
  "timer.start"(call) {
    const { machine, node, args } = call;
    const value = valueOf(call);
    const key = keyOfValue(machine.map(node.map, node.at).store, value);
    callbackOf(call);
    if (!key) throw new InterpreterTrap("a timer of a value that is gone", node.at);
    // The kernel takes the delay as signed: what looks negative has expired (ns_to_ktime in bpf_timer_start).
    const expires = machine.clock() + BigInt.asIntN(64, asInteger(args[1], node.at));
    machine.timers.arm({ callback: node.constants![0]!, map: node.map!, key, value, expires });
    return true;
  },
  "timer.cancel": (call) => call.machine.timers.cancel(valueOf(call)),
} satisfies Partial<Record<OperationName, Rule>>;
