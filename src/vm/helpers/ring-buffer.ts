import { Errno } from "../errno.ts";
import { FaultReason } from "../fault.ts";
import type { Machine } from "../machine.ts";
import { mapAt } from "../maps/address.ts";
import { PerfEventArray } from "../maps/perf-event-array.ts";
import { RingBuffer } from "../maps/ring-buffer.ts";
import { arg, argSize, type HelperTable } from "./helper.ts";

/** BPF_RB_NO_WAKEUP and BPF_RB_FORCE_WAKEUP. */
const WAKEUP_FLAGS = 3n;
const RESERVATION = "a ring buffer record";

export const outputHelpers: HelperTable = {
  ringbuf_output: (m) => {
    const ring = ringAt(m);
    const bytes = m.memory.read(arg(m, 2), argSize(m, 3));
    if ((arg(m, 4) & ~WAKEUP_FLAGS) !== 0n) {
      return Errno.EINVAL;
    }
    const record = ring.reserve(bytes.length);
    if (record === undefined) {
      return Errno.EAGAIN;
    }
    record.set(bytes);
    ring.commit(record, "ready");
    return 0;
  },
  ringbuf_reserve: (m) => {
    const record = arg(m, 3) === 0n ? ringAt(m).reserve(argSize(m, 2)) : undefined;
    if (record === undefined) {
      return 0;
    }
    const address = m.memory.add(RESERVATION, record);
    m.held.set(address, RESERVATION);
    m.records.set(address, { ring: ringAt(m), record });
    return address;
  },
  ringbuf_submit: (m) => commit(m, "ready"),
  ringbuf_discard: (m) => commit(m, "discarded"),
  ringbuf_query: (m) => (arg(m, 2) > 3n ? 0 : ringAt(m).query(Number(arg(m, 2)))),
  perf_event_output: (m) => {
    const map = mapAt(m, arg(m, 2));
    if (!(map instanceof PerfEventArray)) {
      throw new FaultReason(`map ${map.spec.name} is no perf event array`);
    }
    return perfOutput(m, map);
  },
};

function ringAt(m: Machine): RingBuffer {
  const map = mapAt(m, arg(m, 1));
  if (!(map instanceof RingBuffer)) {
    throw new FaultReason(`map ${map.spec.name} is no ring buffer`);
  }
  return map;
}

function commit(m: Machine, state: "ready" | "discarded"): number {
  const held = m.records.get(arg(m, 1));
  if (held === undefined) {
    throw new FaultReason("no reserved ring buffer record starts at that address");
  }
  held.ring.commit(held.record, state);
  m.memory.remove(arg(m, 1));
  m.records.delete(arg(m, 1));
  m.held.delete(arg(m, 1));
  return 0;
}

/** Flags: CPU in the low half (all ones: the current one), bytes of the packet to append in bits 32..51. */
function perfOutput(m: Machine, map: PerfEventArray): number {
  const flags = arg(m, 3);
  const data = m.memory.read(arg(m, 4), argSize(m, 5));
  const index = Number(flags & 0xffff_ffffn);
  const cpu = m.environment.cpu;
  const appended = Number((flags >> 32n) & 0xf_ffffn);
  if (flags >> 52n !== 0n) {
    return Errno.EINVAL;
  }
  const packet = m.context === undefined || m.context.kind === "plain" ? undefined : m.context.packet;
  if (appended > (packet?.length ?? 0)) {
    return packet === undefined ? Errno.EINVAL : Errno.EFAULT;
  }
  const tail = packet?.bytes.subarray(0, appended) ?? new Uint8Array(0);
  return map.output(index === 0xffff_ffff ? cpu : index, cpu, Uint8Array.from([...data, ...tail]));
}
