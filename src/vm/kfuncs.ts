import { Errno } from "./errno.ts";
import { arg, argI32, type Helper } from "./helpers/helper.ts";
import type { Machine } from "./machine.ts";

/** BPF_MAX_LOOPS, include/linux/bpf.h. */
const MAX_LOOPS = 8 << 20;

/** The kernel functions that the machine has, by name. */
export const kfuncs: ReadonlyMap<string, Helper> = new Map<string, Helper>([
  ["bpf_iter_num_new", newIterator],
  ["bpf_iter_num_next", nextNumber],
  ["bpf_iter_num_destroy", () => 0],
]);

/** The 8 bytes of `struct bpf_iter_num`: current and end number (kernel/bpf/bpf_iter.c). */
function iteratorAt(m: Machine): DataView {
  const bytes = m.memory.write(arg(m, 1), 8);
  return new DataView(bytes.buffer, bytes.byteOffset, 8);
}

function newIterator(m: Machine): number {
  const [start, end] = [argI32(m, 2), argI32(m, 3)];
  const iterator = iteratorAt(m);
  const problem = start > end ? Errno.EINVAL : end - start > MAX_LOOPS ? Errno.E2BIG : 0;
  iterator.setInt32(0, problem === 0 ? start - 1 : 0, true);
  iterator.setInt32(4, problem === 0 ? end : 0, true);
  return problem;
}

/** The address of the next number, or null at the end. */
function nextNumber(m: Machine): bigint {
  const iterator = iteratorAt(m);
  const next = (iterator.getInt32(0, true) + 1) | 0;
  if (next >= iterator.getInt32(4, true)) {
    iterator.setBigUint64(0, 0n, true);
    return 0n;
  }
  iterator.setInt32(0, next, true);
  return arg(m, 1);
}
