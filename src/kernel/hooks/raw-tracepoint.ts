/** Tracepoints with their arguments instead of a record: untyped (raw_tp) or typed by BTF (tp_btf, Linux 5.5). */
import { IovisorError } from "../../errors.ts";
import { rawTracepointOpen } from "../sys/bpf.ts";
import { errno } from "../sys/errno.ts";
import { systemError } from "../system-error.ts";
import type { AttachableProgram } from "./attachment.ts";
import type { LinkRecipe } from "./link-attachment.ts";
import { describeLoaded } from "./link-info.ts";

/** A tracepoint by name alone, for example "sched_switch". */
export interface RawTracepointSpec {
  readonly hook: "raw_tp";
  readonly name: string;
}

/** The tracepoint that the program was loaded for; `name` is for messages. */
export interface BtfTracepointSpec {
  readonly hook: "tp_btf";
  readonly name: string;
}

/** How raw tracepoint links are made. */
export function rawTracepointRecipe(spec: RawTracepointSpec | BtfTracepointSpec): LinkRecipe {
  return {
    hook: spec.hook,
    target: spec.name,
    replacement: "new-first",
    create(program) {
      const result = rawTracepointOpen(program.fd, spec.hook === "raw_tp" ? spec.name : undefined);
      if (result >= 0) return result;
      throw explain(result, spec, program);
    },
    matches: (info) => info.type === "raw_tracepoint" && info.name === spec.name,
  };
}

function explain(result: number, spec: RawTracepointSpec | BtfTracepointSpec, program: AttachableProgram): Error {
  if (result === -errno.ENOENT) {
    return new IovisorError(
      "E_USAGE",
      `this kernel has no tracepoint ${spec.name}`,
      "raw tracepoints have the name without its category: sched_switch",
    );
  }
  return systemError(
    `attaching ${describeLoaded(program)} to ${spec.hook} ${spec.name}`,
    result,
    spec.hook === "raw_tp"
      ? "it must be a raw_tracepoint program"
      : "it must be a tracing program loaded for trace_raw_tp",
  );
}
