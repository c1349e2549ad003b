/** BPF links: what the kernel tells about them. */
import { readProgramInfo } from "../programs/info.ts";
import { linkTypeNames, nextId, objectInfo, openById } from "../sys/bpf.ts";
import { errno } from "../sys/errno.ts";
import { addressOf, keepAlive, syscall } from "../sys/native.ts";
import { NR } from "../sys/numbers.ts";
import { checked } from "../system-error.ts";

/** `struct bpf_link_info` up to the union's largest member of Linux 6.18. */
const INFO_SIZE = 128;
const NAME_SIZE = 128;
const PERF_EVENT_TRACEPOINT = 5;

/** What is attached where. `attachType` numbers are those of `attachTypes`. */
export type LinkInfo = { readonly id: number; readonly programId: number } & (
  | { readonly type: "xdp"; readonly device: number }
  | { readonly type: "tcx" | "netkit"; readonly device: number; readonly attachType: number }
  | { readonly type: "cgroup"; readonly cgroupId: bigint; readonly attachType: number }
  | { readonly type: "netns"; readonly namespaceInode: number; readonly attachType: number }
  | { readonly type: "raw_tracepoint"; readonly name: string }
  /** `name` only for tracepoints, and from Linux 6.6. */
  | { readonly type: "perf_event"; readonly name: string | undefined }
  | { readonly type: "netfilter"; readonly family: number; readonly point: number; readonly priority: number }
  | { readonly type: "tracing"; readonly attachType: number; readonly targetBtfId: number }
  | { readonly type: "other"; readonly typeName: string }
);

/** Asks about the link behind a descriptor. */
export function readLinkInfo(fd: number): LinkInfo {
  const info = new Uint8Array(INFO_SIZE);
  checked(objectInfo(fd, info), "reading a link's information");
  const view = new DataView(info.buffer);
  const u32 = (offset: number) => view.getUint32(offset, true);
  const common = { id: u32(4), programId: u32(8) };
  const typeName = linkTypeNames[u32(0)] ?? `type ${u32(0)}`;
  switch (typeName) {
    case "xdp":
      return { ...common, type: typeName, device: u32(16) };
    case "tcx":
    case "netkit":
      return { ...common, type: typeName, device: u32(16), attachType: u32(20) };
    case "cgroup":
      return { ...common, type: typeName, cgroupId: view.getBigUint64(16, true), attachType: u32(24) };
    case "netns":
      return { ...common, type: typeName, namespaceInode: u32(16), attachType: u32(20) };
    case "tracing":
      return { ...common, type: typeName, attachType: u32(16), targetBtfId: u32(24) };
    case "raw_tracepoint":
      return { ...common, type: typeName, name: readName(fd, 16) };
    case "perf_event":
      return { ...common, type: typeName, name: u32(16) === PERF_EVENT_TRACEPOINT ? readName(fd, 24) : undefined };
    case "netfilter":
      return { ...common, type: typeName, family: u32(16), point: u32(20), priority: view.getInt32(24, true) };
    default:
      return { ...common, type: "other", typeName };
  }
}

/** Asks again with room for the name, whose address and size stand at `offset`. */
function readName(fd: number, offset: number): string {
  const name = new Uint8Array(NAME_SIZE);
  const info = new Uint8Array(INFO_SIZE);
  const view = new DataView(info.buffer);
  view.setBigUint64(offset, addressOf(name), true);
  view.setUint32(offset + 8, NAME_SIZE, true);
  checked(objectInfo(fd, info), "reading a link's name");
  keepAlive(name);
  const end = name.indexOf(0);
  return new TextDecoder().decode(name.subarray(0, end < 0 ? NAME_SIZE : end));
}

/** False for a link whose device, control group or namespace is gone: the kernel then says 0 for it. */
export function hasTarget(info: LinkInfo): boolean {
  switch (info.type) {
    case "xdp":
    case "tcx":
    case "netkit":
      return info.device !== 0;
    case "cgroup":
      return info.cgroupId !== 0n;
    case "netns":
      return info.namespaceInode !== 0;
    case "raw_tracepoint":
    case "perf_event":
    case "netfilter":
    case "tracing":
    case "other":
      return true;
  }
}

/** All links of the machine. @throws E_PERMISSION without CAP_SYS_ADMIN */
export function listLinkInfo(): LinkInfo[] {
  const links: LinkInfo[] = [];
  for (let id = nextId("link", 0); id !== -errno.ENOENT; id = nextId("link", id)) {
    checked(id, "listing the links of the machine", "run as root, or with CAP_SYS_ADMIN");
    const fd = openById("link", id);
    // It went between the two calls.
    if (fd < 0) continue;
    try {
      links.push(readLinkInfo(fd));
    } finally {
      syscall(NR.close, fd);
    }
  }
  return links;
}

/** The id of the program behind a descriptor. */
export function programIdOf(fd: number): number {
  return readProgramInfo(fd).id;
}

/** Calls `body` with a descriptor of the program, or with undefined if it is gone or may not be opened by its id. */
export function withProgram<Result>(id: number, body: (fd: number | undefined) => Result): Result {
  const fd = openById("program", id);
  if (fd < 0) return body(undefined);
  try {
    return body(fd);
  } finally {
    syscall(NR.close, fd);
  }
}

/** A program's name; empty if it has none or is gone. */
export function programName(id: number): string {
  return withProgram(id, (fd) => (fd === undefined ? "" : readProgramInfo(fd).name));
}

/** For messages: `program 12 "xdp_filter"`. */
export function describeProgram(id: number): string {
  return describe(id, programName(id));
}

/** The same for a program that is at hand: needs no rights. */
export function describeLoaded(program: { readonly fd: number }): string {
  const { id, name } = readProgramInfo(program.fd);
  return describe(id, name);
}

function describe(id: number, name: string): string {
  return name === "" ? `program ${id}` : `program ${id} "${name}"`;
}
