/**
 * Shows every program that is started: process, user, command and file.
 *
 *     ./iovisor run examples/exec-snoop.ts
 *
 * Events that found no room in the ring are counted in `lost`.
 */
import {
  addressOf,
  arrayMap,
  atomicAdd,
  bytes,
  command,
  config,
  onTracepoint,
  readKernelString,
  ringBuffer,
  struct,
  time,
  u32,
  u64,
  userId,
} from "iovisor/kernel";

export const everyone = 0xffff_ffff;

export const Exec = struct({
  /** Nanoseconds since boot. */
  at: u64,
  process: u32,
  user: u32,
  command: bytes(16),
  /** Zero-terminated; a longer name is cut. */
  file: bytes(128),
});

export const execs = ringBuffer({ event: Exec, bytes: 1 << 18 });
export const lost = arrayMap({ value: u64, maxEntries: 1, title: "events that found no room" });

export const settings = config({ user: u32.default(everyone, "only this user's; 4294967295: everyone's") });

export default onTracepoint("sched:sched_process_exec", (event) => {
  const user = userId();
  if (settings.user !== everyone && user !== settings.user) return;
  const exec = Exec();
  exec.at = time.now();
  exec.process = u32(event.pid);
  exec.user = user;
  exec.command = command();
  // The name stands in the record itself, at an offset that the record tells.
  readKernelString(exec.file, addressOf(event) + u64(event.__data_loc_filename & 0xffff));
  if (execs.emit(exec)) return;
  const count = lost.ref(0);
  if (count) atomicAdd(count, "value", 1n);
});
