import { Errno } from "../errno.ts";
import { VmMap } from "./map.ts";

/** BPF_MAP_TYPE_PERF_EVENT_ARRAY with an open buffer for every CPU. */
export class PerfEventArray extends VmMap {
  #records: { readonly cpu: number; readonly bytes: Uint8Array }[] = [];

  /** `bpf_perf_event_output` to the buffer of that index. */
  output(index: number, cpu: number, bytes: Uint8Array): number {
    if (index >= this.spec.maxEntries) {
      return Errno.E2BIG;
    }
    if (index !== cpu) {
      return Errno.EOPNOTSUPP;
    }
    this.#records.push({ cpu, bytes: bytes.slice() });
    return 0;
  }

  /** Takes the records out, oldest first. */
  drain(): { readonly cpu: number; readonly bytes: Uint8Array }[] {
    return this.#records.splice(0);
  }
}
