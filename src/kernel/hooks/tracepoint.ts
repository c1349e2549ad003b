/** Static tracepoints, with the record that tracefs describes (links from Linux 5.15). */
import { openPerfEvent, perfTypes } from "../perf.ts";
import { attachTypes, linkCreate } from "../sys/bpf.ts";
import { systemError } from "../system-error.ts";
import { tracepointId } from "../tracefs.ts";
import type { LinkRecipe } from "./link-attachment.ts";
import { describeLoaded } from "./link-info.ts";

/** A tracepoint, for example category "sched", name "sched_switch". */
export interface TracepointSpec {
  readonly hook: "tracepoint";
  readonly category: string;
  readonly name: string;
}

/** How tracepoint links are made. The program runs on all CPUs; the link keeps the perf event. */
export function tracepointRecipe(spec: TracepointSpec): LinkRecipe {
  const target = `${spec.category}/${spec.name}`;
  return {
    hook: "tracepoint",
    target,
    replacement: "new-first",
    create(program) {
      const config = tracepointId(spec.category, spec.name);
      using event = openPerfEvent({ type: perfTypes.tracepoint, config }, `tracepoint ${target}`);
      const result = linkCreate({
        programFd: program.fd,
        target: event.fd,
        attachType: attachTypes.perf_event,
        detail: { kind: "perf" },
      });
      if (result >= 0) return result;
      throw systemError(
        `attaching ${describeLoaded(program)} to tracepoint ${target}`,
        result,
        "it must be a tracepoint program that reads no further than the tracepoint's record",
      );
    },
    matches: (info) => info.type === "perf_event" && (info.name === undefined || info.name === spec.name),
  };
}
