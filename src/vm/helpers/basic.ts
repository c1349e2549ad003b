import { Errno } from "../errno.ts";
import { FaultReason } from "../fault.ts";
import type { Machine } from "../machine.ts";
import { arg, argBytes, argSize, argU32, type HelperTable } from "./helper.ts";

/** Time, randomness, and who runs. */
export const basicHelpers: HelperTable = {
  ktime_get_ns: (m) => m.environment.now(),
  ktime_get_boot_ns: (m) => m.environment.now(),
  ktime_get_tai_ns: (m) => m.environment.now(),
  ktime_get_coarse_ns: (m) => {
    const now = m.environment.now();
    return now - (now % tick(m));
  },
  jiffies64: (m) => m.environment.now() / tick(m),
  get_prandom_u32: (m) => m.environment.random() >>> 0,
  get_smp_processor_id: (m) => m.environment.cpu,
  get_numa_node_id: () => 0,
  get_current_pid_tgid: ({ environment: { task } }) => (BigInt(task.tgid ?? 1) << 32n) | BigInt(task.pid ?? 1),
  get_current_uid_gid: ({ environment: { task } }) => (BigInt(task.gid ?? 0) << 32n) | BigInt(task.uid ?? 0),
  get_current_comm: (m) => {
    const target = m.memory.write(arg(m, 1), argSize(m, 2));
    const comm = new TextEncoder().encode(m.environment.task.comm ?? "");
    target.fill(0);
    target.set(comm.subarray(0, Math.min(15, target.length - 1)));
    return 0;
  },
  get_current_task: (m) => taskAddress(m),
  get_current_task_btf: (m) => taskAddress(m),
  strncmp: (m) => compareStrings(argBytes(m, 1), (index) => m.memory.read(arg(m, 3) + BigInt(index), 1)[0]!),
  probe_read: (m) => probeRead(m),
  probe_read_kernel: (m) => probeRead(m),
  probe_read_user: (m) => probeRead(m),
  probe_read_str: (m) => probeReadString(m),
  probe_read_kernel_str: (m) => probeReadString(m),
  probe_read_user_str: (m) => probeReadString(m),
};

function tick(m: Machine): bigint {
  return 1_000_000_000n / BigInt(m.environment.hz);
}

const noTask = new Uint8Array(0);

function taskAddress(m: Machine): bigint {
  return m.memory.addOnce("the current task", m.environment.task.bytes ?? noTask, { writable: false });
}

/** As strncmp of lib/string.c: -1, 0 or 1. */
function compareStrings(first: Uint8Array, secondAt: (index: number) => number): number {
  for (let index = 0; index < first.length; index++) {
    const [left, right] = [first[index]!, secondAt(index)];
    if (left !== right) {
      return left < right ? -1 : 1;
    }
    if (left === 0) {
      return 0;
    }
  }
  return 0;
}

/** Copies from an address that need not be valid: then zeros and -EFAULT. */
function probeRead(m: Machine): number {
  const target = m.memory.write(arg(m, 1), argSize(m, 2));
  const source = tryRead(m, arg(m, 3), target.length);
  if (source === undefined) {
    target.fill(0);
    return Errno.EFAULT;
  }
  target.set(source);
  return 0;
}

/** Copies up to and with the NUL, at most the target's size, where it ends in a NUL anyway; gives the bytes copied. */
function probeReadString(m: Machine): number {
  const target = m.memory.write(arg(m, 1), argU32(m, 2));
  for (let index = 0; index < target.length; index++) {
    const byte = tryRead(m, arg(m, 3) + BigInt(index), 1);
    if (byte === undefined) {
      target.fill(0);
      return Errno.EFAULT;
    }
    target[index] = index === target.length - 1 ? 0 : byte[0]!;
    if (target[index] === 0) {
      return index + 1;
    }
  }
  return 0;
}

function tryRead(m: Machine, address: bigint, size: number): Uint8Array | undefined {
  try {
    return m.memory.read(address, size);
  } catch (error) {
    if (error instanceof FaultReason) {
      return undefined;
    }
    throw error;
  }
}
