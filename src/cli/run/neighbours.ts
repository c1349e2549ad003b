import type { FunctionAttachment } from "../../engine/running.ts";
import { IovisorError } from "../../errors.ts";
import { type AttachedProgram, listCgroupAttachments, listDeviceAttachments } from "../../kernel/hooks.ts";
import { NetworkNamespace } from "../../kernel/namespaces.ts";

/** Who else is attached to the same hook of the same target. */
export interface Neighbours {
  /** Programs that see packets or calls before ours does. */
  readonly before: readonly AttachedProgram[];
  readonly after: readonly AttachedProgram[];
}

const nobody: Neighbours = { before: [], after: [] };

/** Neighbours of an attachment at hooks that take several programs; none where this process may not ask. */
export function neighboursOf(one: FunctionAttachment, netns: string | undefined): Neighbours {
  try {
    const all = programsAt(one, netns);
    const own = all.findIndex(({ programId }) => programId === one.programId);
    return own < 0 ? nobody : { before: all.slice(0, own), after: all.slice(own + 1) };
  } catch (error) {
    if (error instanceof IovisorError && error.code === "E_PERMISSION") return nobody;
    throw error;
  }
}

function programsAt({ hook, target }: FunctionAttachment, netns: string | undefined): AttachedProgram[] {
  switch (hook.name) {
    case "tcx-ingress":
    case "tcx-egress": {
      using namespace = netns === undefined ? undefined : NetworkNamespace.open(netns);
      return listDeviceAttachments(namespace, target).filter((found) => found.hook === hook.name);
    }
    case "cgroup-connect4":
    case "cgroup-connect6":
      return listCgroupAttachments(target).filter((found) => found.hook === hook.name);
    default:
      return []; // XDP takes one program; tracepoints have no order
  }
}

/** `; after program 12 "guard"; before program 7`. */
export function describeNeighbours({ before, after }: Neighbours): string {
  const list = (word: string, programs: readonly AttachedProgram[]): string =>
    programs.length === 0 ? "" : `; ${word} ${programs.map(describe).join(", ")}`;
  return list("after", before) + list("before", after);
}

function describe({ programId, programName }: AttachedProgram): string {
  return programName === "" ? `program ${programId}` : `program ${programId} "${programName}"`;
}
