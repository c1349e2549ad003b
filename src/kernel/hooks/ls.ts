/** Who is attached where: all owners, not only us. */
import type { NetworkNamespace } from "../namespaces.ts";
import { NETLINK_ROUTE } from "../netlink/constants.ts";
import { getLink, type Link, listLinks } from "../netlink/links.ts";
import { NetlinkSocket } from "../netlink/socket.ts";
import { listBpfFilters } from "../netlink/traffic-control.ts";
import type { HookName } from "./attachment.ts";
import { type CgroupHook, cgroupHooks, queryCgroup } from "./cgroup.ts";
import { type LinkInfo, listLinkInfo, programName } from "./link-info.ts";
import { queryTcx } from "./tcx.ts";

/** A program on a hook. */
export interface AttachedProgram {
  readonly hook: HookName;
  readonly target: string;
  readonly programId: number;
  /** Empty for programs without a name. */
  readonly programName: string;
  /** Undefined if it was attached without a link: then it stays until someone takes it away. */
  readonly linkId: number | undefined;
  /** What is special: "generic mode", "clsact priority 49152 handle 1". */
  readonly note: string;
}

/**
 * All programs on the devices of a namespace, or on one of them, in the order in which packets meet them. Needs
 * CAP_SYS_ADMIN.
 */
export function listDeviceAttachments(namespace?: NetworkNamespace | undefined, only?: string): AttachedProgram[] {
  using socket = new NetlinkSocket(NETLINK_ROUTE, namespace);
  const links = listLinkInfo();
  const devices = only === undefined ? listLinks(socket) : [getLink(socket, only)];
  return devices.flatMap((device) => [
    ...xdpPrograms(device, links),
    ...tcxPrograms(device, "tcx-ingress", namespace),
    ...classifiers(socket, device, "ingress"),
    ...tcxPrograms(device, "tcx-egress", namespace),
    ...classifiers(socket, device, "egress"),
  ]);
}

/** All programs on one control group. */
export function listCgroupAttachments(path: string): AttachedProgram[] {
  const links = listLinkInfo();
  return (Object.keys(cgroupHooks) as CgroupHook[]).flatMap((hook) =>
    queryCgroup(path, hook).map((programId) => {
      const link = links.find(
        (info) => info.type === "cgroup" && info.programId === programId && info.attachType === cgroupHooks[hook],
      );
      return { hook, target: path, programId, programName: programName(programId), linkId: link?.id, note: "" };
    }),
  );
}

/** All tracepoint programs of the machine that are attached by links. */
export function listTracepointAttachments(): AttachedProgram[] {
  return listLinkInfo().flatMap((info) => {
    if (info.type !== "raw_tracepoint" && info.type !== "perf_event") return [];
    return {
      hook: info.type === "raw_tracepoint" ? "raw_tp" : "tracepoint",
      target: info.name ?? "",
      programId: info.programId,
      programName: programName(info.programId),
      linkId: info.id,
      note: "",
    };
  });
}

function xdpPrograms(device: Link, links: readonly LinkInfo[]): AttachedProgram[] {
  const { nativeProgramId, genericProgramId, hardwareProgramId } = device.xdp;
  return [
    { programId: hardwareProgramId, note: "hardware mode" },
    { programId: nativeProgramId, note: "native mode" },
    { programId: genericProgramId, note: "generic mode" },
  ].flatMap(({ programId, note }) => {
    if (programId === undefined) return [];
    const link = links.find(
      (info) => info.type === "xdp" && info.programId === programId && info.device === device.index,
    );
    return { hook: "xdp", target: device.name, programId, programName: programName(programId), linkId: link?.id, note };
  });
}

function tcxPrograms(
  device: Link,
  hook: "tcx-ingress" | "tcx-egress",
  namespace: NetworkNamespace | undefined,
): AttachedProgram[] {
  const state = queryTcx(device.index, hook, namespace);
  return (state?.programs ?? []).map(({ programId, linkId }) => ({
    hook,
    target: device.name,
    programId,
    programName: programName(programId),
    linkId,
    note: "",
  }));
}

function classifiers(socket: NetlinkSocket, device: Link, direction: "ingress" | "egress"): AttachedProgram[] {
  return listBpfFilters(socket, device.index, direction).map(({ programId, priority, handle }) => ({
    hook: `tcx-${direction}`,
    target: device.name,
    programId,
    programName: programName(programId),
    linkId: undefined,
    note: `clsact priority ${priority} handle ${handle}`,
  }));
}
