import { syscall } from "./native.ts";
import { NR } from "./numbers.ts";

/** sizeof(sigset_t) in the kernel. */
const SET_SIZE = 8;
const SIG_BLOCK = 0;
const SIG_SETMASK = 2;

/** Runs `work` with signals held back on this thread: they wait, or go to another thread of the process. */
export function withoutSignals<T>(work: () => T): T {
  const all = new Uint8Array(SET_SIZE).fill(0xff);
  const before = new Uint8Array(SET_SIZE);
  syscall(NR.rt_sigprocmask, SIG_BLOCK, all, before, SET_SIZE);
  try {
    return work();
  } finally {
    syscall(NR.rt_sigprocmask, SIG_SETMASK, before, undefined, SET_SIZE);
  }
}
