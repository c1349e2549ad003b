import { FaultReason } from "../fault.ts";
import { arg, type HelperTable } from "./helper.ts";

/** `struct bpf_spin_lock` is 4 bytes; one program runs at a time, so that a lock is only checked for balance. */
export const lockHelpers: HelperTable = {
  spin_lock: (m) => {
    const address = arg(m, 1);
    m.memory.write(address, 4);
    if ([...m.held.values()].includes("a spin lock")) {
      throw new FaultReason("a spin lock is taken while one is held");
    }
    m.held.set(address, "a spin lock");
    return 0;
  },
  spin_unlock: (m) => {
    if (m.held.get(arg(m, 1)) !== "a spin lock") {
      throw new FaultReason("a spin lock is released that is not held");
    }
    m.held.delete(arg(m, 1));
    return 0;
  },
};
