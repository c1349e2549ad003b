import { Errno } from "../errno.ts";
import { FaultReason } from "../fault.ts";
import type { Machine } from "../machine.ts";
import { mapAt } from "../maps/address.ts";
import type { VmMap } from "../maps/map.ts";
import { REGION_BASE } from "../memory.ts";
import type { Timer } from "../timers.ts";
import { arg, type HelperTable } from "./helper.ts";
import { functionAt } from "./maps.ts";

/** `struct bpf_timer` is 16 opaque bytes in a map's value (kernel/bpf/helpers.c). */
export const timerHelpers: HelperTable = {
  timer_init: (m) => {
    const { value, offset, timer } = place(m);
    const clock = Number(arg(m, 3));
    if (![0, 1, 7].includes(clock)) {
      return Errno.EINVAL;
    }
    if (timer !== undefined) {
      return Errno.EBUSY;
    }
    const map = mapAt(m, arg(m, 2));
    m.environment.timers.add({ map, key: keyOf(m, map, value), value, clock }, offset);
    return 0;
  },
  timer_set_callback: (m) => {
    const { timer } = place(m);
    const pc = functionAt(m, 2);
    if (timer === undefined) {
      return Errno.EINVAL;
    }
    timer.callback = { code: m.code, pc };
    return 0;
  },
  /** Flags: 1 the time is absolute, 2 pinned to the CPU. */
  timer_start: (m) => {
    const { timer } = place(m);
    const [delay, flags] = [arg(m, 2), arg(m, 3)];
    if (flags > 3n || timer?.callback === undefined) {
      return Errno.EINVAL;
    }
    timer.expires = (flags & 1n) === 1n ? delay : m.environment.now() + delay;
    return 0;
  },
  timer_cancel: (m) => {
    const { timer } = place(m);
    if (timer === undefined) {
      return Errno.EINVAL;
    }
    if (timer === m.environment.timers.running) {
      return Errno.EDEADLK;
    }
    const wasArmed = timer.expires !== undefined;
    timer.expires = undefined;
    return wasArmed ? 1 : 0;
  },
};

interface Place {
  readonly value: Uint8Array;
  readonly offset: number;
  readonly timer: Timer | undefined;
}

/** Where the timer that argument 1 points to lies in its map value. */
function place(m: Machine): Place {
  const address = arg(m, 1);
  m.memory.write(address, 16);
  const value = m.memory.regionAt(address)!.bytes;
  const offset = Number(address & 0xffff_ffffn) - REGION_BASE;
  return { value, offset, timer: m.environment.timers.find(value, offset) };
}

function keyOf(m: Machine, map: VmMap, value: Uint8Array): Uint8Array {
  for (const [key, candidate] of map.elements(m.environment.cpu)) {
    if (candidate === value) {
      return key.slice();
    }
  }
  throw new FaultReason(`the timer is not in a value of map ${map.spec.name}`);
}
