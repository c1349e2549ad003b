/** Hooks: where programs attach, who is there, and the table of them all. */
export { adopt, attach } from "./hooks/attach.ts";
export type { AttachableProgram, Attachment, AttachOptions, AttachSpec, HookName } from "./hooks/attachment.ts";
export { type CgroupHook, type CgroupSpec, cgroupHooks, queryCgroup } from "./hooks/cgroup.ts";
export { detachPinned } from "./hooks/link-attachment.ts";
export { type LinkInfo, listLinkInfo, readLinkInfo } from "./hooks/link-info.ts";
export {
  type AttachedProgram,
  listCgroupAttachments,
  listDeviceAttachments,
  listTracepointAttachments,
} from "./hooks/ls.ts";
export type { NetfilterSpec } from "./hooks/netfilter.ts";
export type { BtfTracepointSpec, RawTracepointSpec } from "./hooks/raw-tracepoint.ts";
export type { SocketLookupSpec } from "./hooks/socket-lookup.ts";
export { type HookRow, hookRow, hooks, parseAttachSpec } from "./hooks/table.ts";
export { type Anchor, hasTcx, queryTcx, type TcxSpec, type TcxState } from "./hooks/tcx.ts";
export type { TracepointSpec } from "./hooks/tracepoint.ts";
export type { XdpSpec } from "./hooks/xdp.ts";
