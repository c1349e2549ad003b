import { Errno } from "../errno.ts";
import { FaultReason } from "../fault.ts";
import type { Machine } from "../machine.ts";
import { mapAt } from "../maps/address.ts";
import { ProgArray } from "../maps/prog-array.ts";
import { arg, argU32, type HelperTable } from "./helper.ts";
import { functionAt } from "./maps.ts";

/** MAX_TAIL_CALL_CNT, include/linux/bpf.h. */
const MAX_TAIL_CALLS = 33;
/** BPF_MAX_LOOPS, include/linux/bpf.h. */
const MAX_LOOPS = 8 << 20;

export const controlHelpers: HelperTable = {
  tail_call: (m) => tailCall(m),
  loop: (m) => loop(m),
};

/**
 * Goes on in the other program; returns (with an error) only when there is none or the chain is too long. The program's
 * packet addresses end there: verifiers before Linux 6.19 forget them.
 */
function tailCall(m: Machine): number {
  const map = mapAt(m, arg(m, 2));
  if (!(map instanceof ProgArray)) {
    throw new FaultReason(`map ${map.spec.name} is no program array`);
  }
  const code = map.program(argU32(m, 3));
  if (code === undefined || m.tailCalls >= MAX_TAIL_CALLS) {
    if (m.context !== undefined && m.context.kind !== "plain") {
      m.context.packet.pull(0);
    }
    return Errno.ENOENT;
  }
  if (m.held.size > 0) {
    throw new FaultReason(`tail call while holding ${[...m.held.values()].join(", ")}`);
  }
  m.tailCalls++;
  m.replaceProgram(code);
  return 0;
}

/** Calls `callback(index, context)` until it returns 1; gives the number of calls. */
function loop(m: Machine): number {
  const [count, callback, context] = [argU32(m, 1), functionAt(m, 2), arg(m, 3)];
  if (arg(m, 4) !== 0n) {
    return Errno.EINVAL;
  }
  if (count > MAX_LOOPS) {
    return Errno.E2BIG;
  }
  const { code } = m;
  for (let index = 0; index < count; index++) {
    if (m.call(code, callback, [BigInt(index), context]) !== 0n) {
      return index + 1;
    }
  }
  return count;
}
