/** Programs that decide for the processes of a control group: connections, datagrams, sockets (links: Linux 5.7). */
import { Cgroup } from "../cgroups.ts";
import { attachTypes, linkCreate, programQuery } from "../sys/bpf.ts";
import { errno } from "../sys/errno.ts";
import { systemError } from "../system-error.ts";
import type { LinkRecipe } from "./link-attachment.ts";
import { describeLoaded } from "./link-info.ts";

/** The hooks of a control group by name, with their attach types. */
export const cgroupHooks = {
  "cgroup-connect4": attachTypes.cgroup_inet4_connect,
  "cgroup-connect6": attachTypes.cgroup_inet6_connect,
  "cgroup-bind4": attachTypes.cgroup_inet4_bind,
  "cgroup-bind6": attachTypes.cgroup_inet6_bind,
  "cgroup-sendmsg4": attachTypes.cgroup_udp4_sendmsg,
  "cgroup-sendmsg6": attachTypes.cgroup_udp6_sendmsg,
  "cgroup-recvmsg4": attachTypes.cgroup_udp4_recvmsg,
  "cgroup-recvmsg6": attachTypes.cgroup_udp6_recvmsg,
  "cgroup-skb-ingress": attachTypes.cgroup_inet_ingress,
  "cgroup-skb-egress": attachTypes.cgroup_inet_egress,
  "cgroup-sock-create": attachTypes.cgroup_inet_sock_create,
  "cgroup-sock-ops": attachTypes.cgroup_sock_ops,
} as const;

export type CgroupHook = keyof typeof cgroupHooks;

/** Where a cgroup program goes: `path` is the group's directory, or its path in the hierarchy. */
export interface CgroupSpec {
  readonly hook: CgroupHook;
  readonly path: string;
}

/** How cgroup links are made. Programs of other owners stay beside it; all must agree for a call to go through. */
export function cgroupRecipe(spec: CgroupSpec): LinkRecipe {
  const attachType = cgroupHooks[spec.hook];
  return {
    hook: spec.hook,
    target: spec.path,
    replacement: "in-place",
    create(program) {
      using cgroup = Cgroup.open(spec.path);
      const result = linkCreate({ programFd: program.fd, target: cgroup.fd, attachType });
      if (result >= 0) return result;
      const action = `attaching ${describeLoaded(program)} at ${spec.hook} of ${spec.path}`;
      if (result === -errno.EINVAL) {
        throw systemError(action, result, `it must be loaded for ${spec.hook} (program type and expected attach type)`);
      }
      if (result === -errno.EPERM) {
        throw systemError(
          action,
          result,
          "run as root; or a group above has a program attached without BPF_F_ALLOW_MULTI, which forbids others",
        );
      }
      throw systemError(action, result);
    },
    matches(info) {
      using cgroup = Cgroup.open(spec.path);
      return info.type === "cgroup" && info.cgroupId === cgroup.id && info.attachType === attachType;
    },
  };
}

/** Ids of the programs attached to a group itself (not to those above it), in the order in which they run. */
export function queryCgroup(path: string, hook: CgroupHook): number[] {
  using cgroup = Cgroup.open(path);
  const { result, programIds } = programQuery(cgroup.fd, cgroupHooks[hook]);
  if (result === -errno.EINVAL) return [];
  if (result < 0) throw systemError(`asking for the ${hook} programs of ${path}`, result);
  return [...programIds];
}
