import type {
  KernelStruct,
  KfreeSkb,
  SchedProcessExec,
  SchedProcessExit,
  SchedSwitch,
  SchedWakeup,
  SkBuff,
  Sock,
  SysEnter,
  SysExit,
  TaskStruct,
} from "./kernel-types.js";
import type { Bytes } from "./layouts.js";
import type { Program } from "./packet.js";
import type { bool, u32, u64 } from "./scalars.js";

/** The tracepoints that there are for kernel code, and their records. */
export interface Tracepoints {
  "sched:sched_switch": SchedSwitch;
  "sched:sched_wakeup": SchedWakeup;
  "sched:sched_wakeup_new": SchedWakeup;
  "sched:sched_process_exec": SchedProcessExec;
  "sched:sched_process_exit": SchedProcessExit;
  "syscalls:sys_enter_execve": SysEnter;
  "syscalls:sys_exit_execve": SysExit;
  "syscalls:sys_enter_openat": SysEnter;
  "syscalls:sys_exit_openat": SysExit;
  "syscalls:sys_enter_getpid": SysEnter;
  "syscalls:sys_enter_getppid": SysEnter;
  "raw_syscalls:sys_enter": SysEnter;
  "raw_syscalls:sys_exit": SysExit;
  "skb:kfree_skb": KfreeSkb;
}

/** Arguments of the kernel's tracepoints as the kernel's own code passes them. Pointers may be null. */
export interface KernelTracepoints {
  sched_switch: [preempt: bool, previous: TaskStruct | undefined, next: TaskStruct | undefined, state: u32];
  sched_wakeup: [task: TaskStruct | undefined];
  sched_wakeup_new: [task: TaskStruct | undefined];
  sched_process_exec: [task: TaskStruct | undefined, oldPid: u32];
  sched_process_exit: [task: TaskStruct | undefined];
  kfree_skb: [skb: SkBuff | undefined, location: u64, reason: u32, socket: Sock | undefined];
}

/**
 * A program that runs at a tracepoint and gets its record.
 *
 * @example
 * export const switches = onTracepoint("sched:sched_switch", (event) => {
 *   events.emit({ pid: u32(event.next_pid), at: time.now() });
 * });
 */
export declare function onTracepoint<const Name extends keyof Tracepoints>(
  name: Name,
  handler: (event: Tracepoints[Name]) => void,
): Program<"tracepoint">;

/** A program that runs at a tracepoint and gets the kernel's own objects (a BTF tracepoint). Linux 5.5. */
export declare function onKernelTracepoint<const Name extends keyof KernelTracepoints>(
  name: Name,
  handler: (...args: KernelTracepoints[Name]) => void,
): Program<"btfTracepoint">;

/** Process id of the current task (its tgid). Tracing programs. */
export declare function processId(): u32;
/** Thread id of the current task (its pid). Tracing programs. */
export declare function threadId(): u32;
/** User id of the current task. Tracing programs. */
export declare function userId(): u32;
/** Command name of the current task, zero-terminated. Tracing programs. */
export declare function command(): Bytes<16>;
/** cgroup v2 id of the current task. Tracing programs, Linux 4.18. */
export declare function cgroupId(): u64;

/**
 * Copies a zero-terminated string from a kernel address into `target` and gives the bytes copied with the zero; 0 on a
 * fault. Tracing programs, Linux 5.5.
 */
export declare function readKernelString<N extends number>(target: Bytes<N>, address: u64): u32;
/** The same from an address of the current process. */
export declare function readUserString<N extends number>(target: Bytes<N>, address: u64): u32;
/** The address of a kernel object, as a number (to tell objects apart). Tracing programs. */
export declare function addressOf(object: KernelStruct<string>): u64;
