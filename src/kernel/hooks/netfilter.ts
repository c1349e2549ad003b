/** Netfilter: a program as one more hook function of the IPv4 or IPv6 stack (Linux 6.4). */
import { NotSupported } from "../../errors.ts";
import { inside } from "../namespaces.ts";
import { attachTypes, linkCreate } from "../sys/bpf.ts";
import { errno } from "../sys/errno.ts";
import { systemError } from "../system-error.ts";
import type { AttachOptions } from "./attachment.ts";
import type { LinkRecipe } from "./link-attachment.ts";
import { describeLoaded } from "./link-info.ts";

const families = { ipv4: 2, ipv6: 10 } as const;
const points = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const;
const IP_DEFRAG = 1;

/** A place in the stack of one namespace. */
export interface NetfilterSpec {
  readonly hook: "netfilter";
  readonly family: keyof typeof families;
  readonly point: keyof typeof points;
  /** Lower runs earlier; any but the smallest and the largest 32-bit integer, and each only once per point. */
  readonly priority: number;
  /** Let the kernel put fragments together first (Linux 6.6). */
  readonly defragment?: boolean;
}

/** How netfilter links are made, in the namespace of the options. */
export function netfilterRecipe(spec: NetfilterSpec, options: AttachOptions): LinkRecipe {
  const target = `${spec.family} ${spec.point} ${spec.priority}`;
  return {
    hook: "netfilter",
    target,
    replacement: "old-first",
    create(program) {
      const result = inside(options.namespace, () =>
        linkCreate({
          programFd: program.fd,
          target: 0,
          attachType: attachTypes.netfilter,
          detail: {
            kind: "netfilter",
            protocolFamily: families[spec.family],
            hook: points[spec.point],
            priority: spec.priority,
            flags: spec.defragment ? IP_DEFRAG : 0,
          },
        }),
      );
      if (result >= 0) return result;
      const action = `attaching ${describeLoaded(program)} at netfilter ${target}`;
      if (result === -errno.EBUSY) {
        throw systemError(action, result, "another program has this priority at this point; choose another");
      }
      if (result === -errno.EOPNOTSUPP) {
        throw new NotSupported("netfilter programs", `${action} failed`, { minimumKernel: "6.4" });
      }
      throw systemError(action, result, "it must be a netfilter program; Linux 6.4 or later has them");
    },
    matches: (info) =>
      info.type === "netfilter" &&
      info.family === families[spec.family] &&
      info.point === points[spec.point] &&
      info.priority === spec.priority,
  };
}
