/**
 * The foreign-function boundary: the only file that knows koffi. All else in the kernel interface is built on these
 * few functions, so that another binding (node:ffi) can take koffi's place here.
 */

import koffi from "koffi";
import { errnoText } from "./errno.ts";
import { NR } from "./numbers.ts";

/** What a system call's argument can be: a number, a pointer to a buffer, or nothing (0). */
export type SyscallArgument = number | bigint | Uint8Array | undefined;

interface NativeFunction {
  (...words: (number | bigint)[]): number;
  /** On a thread of libuv's pool. */
  async(...wordsAndDone: unknown[]): void;
}

const callSyscall: NativeFunction = koffi
  .load(null)
  .func("long syscall(long number, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e, uintptr_t f)");

/**
 * Anything stored here was reachable until the store. Without it, V8 may collect a buffer between the moment its
 * address was taken and the end of the call that uses the address.
 */
let lastKept: unknown;

/** Guarantees that `value`, and what it refers to, is not collected before this call. */
export function keepAlive(value: unknown): void {
  lastKept = value;
}

/** Returns what {@link keepAlive} kept last; it exists so that the store is observable. */
export function kept(): unknown {
  return lastKept;
}

/**
 * The address of a buffer's first byte; 0 for an empty one. It stays valid as long as the buffer is reachable: asking
 * for it moves small typed arrays off V8's moving heap.
 */
export function addressOf(buffer: Uint8Array): bigint {
  return koffi.address(buffer);
}

function word(argument: SyscallArgument): number | bigint {
  if (argument === undefined) return 0;
  return typeof argument === "object" ? koffi.address(argument) : argument;
}

/**
 * Makes a system call on the calling thread. Returns its result (0 or more) or the negative error number. Buffers are
 * passed as pointers and stay alive during the call; what they point to in turn is the caller's care.
 */
export function syscall(
  number: number,
  a?: SyscallArgument,
  b?: SyscallArgument,
  c?: SyscallArgument,
  d?: SyscallArgument,
  e?: SyscallArgument,
  f?: number | bigint,
): number {
  const result = callSyscall(number, word(a), word(b), word(c), word(d), word(e), f ?? 0);
  // Before anything is allocated: a collection that this sets off makes system calls of its own, whose failures (EAGAIN
  // of a futex) would stand in errno.
  const outcome = result === -1 ? -koffi.errno() : result;
  if (
    typeof a === "object" ||
    typeof b === "object" ||
    typeof c === "object" ||
    typeof d === "object" ||
    typeof e === "object"
  ) {
    lastKept = [a, b, c, d, e];
  }
  return outcome;
}

/**
 * Makes a system call without pointers on another thread. `done` gets its result, -1 for any failure. Not for calls
 * that are about the calling thread (setns).
 */
export function syscallAside([number, argument]: readonly [number, number], done: (result: number) => void): void {
  callSyscall.async(number, argument, 0, 0, 0, 0, 0, (failure: unknown, result: number) => done(failure ? -1 : result));
}

/** `size` bytes of this process's memory at `address` as an ArrayBuffer; no copy, no ownership. */
export function memoryAt(address: number | bigint, size: number): ArrayBuffer {
  return koffi.view(BigInt(address), size);
}

/** A watch on a descriptor, on Node's own event loop. */
export interface PollHandle {
  /** Ends the watch; the callback is not called again. A second call does nothing. */
  close(): void;
  /** Lets the watch keep the process alive (the state at the start). */
  ref(): void;
  /** Lets the process end although the watch is open. */
  unref(): void;
  /** Suspends the watch; what becomes readable meanwhile is reported after {@link start}. */
  stop(): void;
  /** Goes on after {@link stop}. */
  start(): void;
}

const F_DUPFD_CLOEXEC = 1030;

/** Another descriptor of the same file, closed on exec; or the negative error number. */
export function duplicate(fd: number): number {
  return syscall(NR.fcntl, fd, F_DUPFD_CLOEXEC, 0);
}

/**
 * Calls `callback` whenever `fd` is readable (level triggered), through libuv's poll handle: no thread. The callback
 * runs in the loop's check phase, right after the poll phase, where Node handles exceptions, ticks and promises as for
 * any callback (koffi's own callback frame does not). `fd` must be pollable: a socket, pipe, ring buffer or perf event.
 */
export function pollReadable(fd: number, callback: () => void): PollHandle {
  // A duplicate: libuv takes a descriptor once only, and koffi 3.3 aborts the process when libuv refuses.
  const own = duplicate(fd);
  if (own < 0) throw new TypeError(`descriptor ${fd} cannot be watched: ${errnoText(own)}`);
  let open = true;
  let running = true;
  const onReadable = () => {
    setImmediate(() => {
      if (open && running) callback();
    });
  };
  const handle = koffi.node.poll(own, { readable: true }, onReadable);
  return {
    close() {
      if (!open) return;
      open = false;
      handle.close();
      syscall(NR.close, own);
    },
    ref: () => open && handle.ref(),
    unref: () => open && handle.unref(),
    stop() {
      if (!open || !running) return;
      running = false;
      handle.stop();
    },
    start() {
      if (!open || running) return;
      running = true;
      handle.start({ readable: true }, onReadable);
    },
  };
}
