import type { Code } from "../code.ts";
import { Errno } from "../errno.ts";
import { readU32, VmMap } from "./map.ts";
import { type FullMapSpec, mapError } from "./spec.ts";

/** BPF_MAP_TYPE_PROG_ARRAY: programs by index, for `bpf_tail_call`. */
export class ProgArray extends VmMap {
  readonly #programs = new Map<number, Code>();

  constructor(spec: FullMapSpec) {
    super(spec);
    if (spec.keySize !== 4 || spec.valueSize !== 4 || spec.maxEntries === 0) {
      throw mapError(spec, "a program array has keys and values of 4 bytes and at least one entry");
    }
  }

  /** Puts a prepared program (see `prepare`) into a slot; undefined empties it. */
  setProgram(index: number, program: Code | undefined): number {
    if (index < 0 || index >= this.spec.maxEntries) {
      return Errno.E2BIG;
    }
    if (program === undefined) {
      return this.#programs.delete(index) ? 0 : Errno.ENOENT;
    }
    this.#programs.set(index, program);
    return 0;
  }

  program(index: number): Code | undefined {
    return this.#programs.get(index);
  }

  override delete(key: Uint8Array): number {
    this.checkKey(key);
    return readU32(key) >= this.spec.maxEntries ? Errno.E2BIG : this.setProgram(readU32(key), undefined);
  }
}
