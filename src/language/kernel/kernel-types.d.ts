import type { kernelStruct } from "./brands.js";
import type { Bytes, Elements } from "./layouts.js";
import type { i32, i64, u8, u16, u32, u64 } from "./scalars.js";

/**
 * Structures of the kernel. Where a field lies is looked up in the running kernel's own type information when the
 * program is made. A pointer that can be followed is absent when it is null. All of it is read-only.
 */
export interface KernelStruct<Name extends string> {
  readonly [kernelStruct]?: Name;
}

/** A task: a thread, in the words of user space. */
export interface TaskStruct extends KernelStruct<"task_struct"> {
  /** Thread id. */
  readonly pid: i32;
  /** Process id. */
  readonly tgid: i32;
  /** Command name, zero-terminated. */
  readonly comm: Bytes<16>;
  readonly prio: i32;
  readonly static_prio: i32;
  readonly flags: u32;
  readonly exit_code: i32;
  /** Nanoseconds since boot, without suspend. */
  readonly start_time: u64;
  readonly real_parent: TaskStruct | undefined;
  readonly group_leader: TaskStruct | undefined;
}

/** A packet as the stack carries it. */
export interface SkBuff extends KernelStruct<"sk_buff"> {
  /** Length of all data in bytes. */
  readonly len: u32;
  /** Of that, bytes in fragments. */
  readonly data_len: u32;
  /** EtherType in network order, as it lies in memory. */
  readonly protocol: u16;
  readonly skb_iif: i32;
  readonly hash: u32;
  readonly mark: u32;
  readonly mac_header: u16;
  readonly network_header: u16;
  readonly transport_header: u16;
  /** Addresses of its buffer. */
  readonly head: u64;
  readonly data: u64;
  readonly dev: NetDevice | undefined;
  readonly sk: Sock | undefined;
}

/** A network device. */
export interface NetDevice extends KernelStruct<"net_device"> {
  readonly ifindex: i32;
  readonly name: Bytes<16>;
  readonly mtu: u32;
}

/** The part of a socket that all families share. */
export interface SockCommon extends KernelStruct<"sock_common"> {
  readonly skc_family: u16;
  readonly skc_state: u8;
  /** Local port, host order. */
  readonly skc_num: u16;
  /** Remote port, network order. */
  readonly skc_dport: u16;
  /** Remote and local IPv4 address, network order. */
  readonly skc_daddr: u32;
  readonly skc_rcv_saddr: u32;
}

/** A socket. */
export interface Sock extends KernelStruct<"sock"> {
  readonly __sk_common: SockCommon;
  readonly sk_protocol: u16;
  readonly sk_type: u16;
}

/** sched:sched_switch: the processor goes from one task to another. */
export interface SchedSwitch extends KernelStruct<"trace_event_raw_sched_switch"> {
  readonly prev_comm: Bytes<16>;
  readonly prev_pid: i32;
  readonly prev_prio: i32;
  readonly prev_state: i64;
  readonly next_comm: Bytes<16>;
  readonly next_pid: i32;
  readonly next_prio: i32;
}

/** sched:sched_wakeup, sched:sched_wakeup_new: a task became ready to run. */
export interface SchedWakeup extends KernelStruct<"trace_event_raw_sched_wakeup_template"> {
  readonly comm: Bytes<16>;
  readonly pid: i32;
  readonly prio: i32;
  /** The processor that it is to run on. */
  readonly target_cpu: i32;
}

/** sched:sched_process_exec: a process started another program. */
export interface SchedProcessExec extends KernelStruct<"trace_event_raw_sched_process_exec"> {
  readonly pid: i32;
  readonly old_pid: i32;
  /** Offset (low 16 bits) and length (high 16 bits) of the file name in the record. */
  readonly __data_loc_filename: u32;
}

/** sched:sched_process_exit: a thread ended. */
export interface SchedProcessExit extends KernelStruct<"trace_event_raw_sched_process_template"> {
  readonly comm: Bytes<16>;
  readonly pid: i32;
  readonly prio: i32;
}

/** syscalls:sys_enter_* and raw_syscalls:sys_enter: a system call begins. */
export interface SysEnter extends KernelStruct<"trace_event_raw_sys_enter"> {
  /** Number of the system call. */
  readonly id: i64;
  /** Its arguments; addresses are those of the process. */
  readonly args: Elements<u64, 6>;
}

/** syscalls:sys_exit_* and raw_syscalls:sys_exit: a system call ends. */
export interface SysExit extends KernelStruct<"trace_event_raw_sys_exit"> {
  readonly id: i64;
  /** What it returned; negative: an error number. */
  readonly ret: i64;
}

/** skb:kfree_skb: the kernel dropped a packet. */
export interface KfreeSkb extends KernelStruct<"trace_event_raw_kfree_skb"> {
  /** Address of the packet. */
  readonly skbaddr: u64;
  /** Address of the code that dropped it. */
  readonly location: u64;
  /** EtherType, host order. */
  readonly protocol: u16;
  /** enum skb_drop_reason; Linux 5.17. */
  readonly reason: u32;
}
