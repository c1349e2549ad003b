/** What all hooks have in common. A spec is plain data; an attachment owns a place on a hook. */
import type { NetworkNamespace } from "../namespaces.ts";
import type { CgroupSpec } from "./cgroup.ts";
import type { NetfilterSpec } from "./netfilter.ts";
import type { BtfTracepointSpec, RawTracepointSpec } from "./raw-tracepoint.ts";
import type { SocketLookupSpec } from "./socket-lookup.ts";
import type { TcxSpec } from "./tcx.ts";
import type { TracepointSpec } from "./tracepoint.ts";
import type { XdpSpec } from "./xdp.ts";

/** A loaded program, as far as a hook cares. */
export interface AttachableProgram {
  readonly fd: number;
}

/** Where to attach. */
export type AttachSpec =
  | XdpSpec
  | TcxSpec
  | CgroupSpec
  | TracepointSpec
  | RawTracepointSpec
  | BtfTracepointSpec
  | NetfilterSpec
  | SocketLookupSpec;

/** A hook's name, as on the command line. */
export type HookName = AttachSpec["hook"];

/** What a spec as plain data cannot hold. */
export interface AttachOptions {
  /** Where the device is, or which namespace's hook; by default the thread's. */
  readonly namespace?: NetworkNamespace | undefined;
}

/**
 * A program on a hook. It is detached by `detach()`, by `using`, and by the end of the process, unless it was pinned.
 */
export interface Attachment extends Disposable {
  readonly hook: HookName;
  /** For messages: "eth0", "/sys/fs/cgroup/web", "sched/sched_switch". */
  readonly target: string;
  /** The id of the program that is attached now. */
  readonly programId: number;
  /** The id of the kernel's link; undefined where the mechanism has none, and after the end. */
  readonly linkId: number | undefined;
  /** False once the device, control group or namespace is gone, or someone else took the program away. */
  isAttached(): boolean;
  /**
   * Replaces the program. At XDP, TCX, clsact, cgroups and socket look-up every packet or call meets the old program
   * or the new one. Other hooks have no such replacement: at tracepoints the new program is attached before the old one
   * goes, so that events in between reach both; at netfilter the old one goes first, and packets in between meet none.
   * Throws E_BUSY if someone else replaced the program meanwhile.
   */
  update(program: AttachableProgram): void;
  /**
   * Makes the attachment outlive `close()` and the process, and leaves at `path` (on a bpffs) what adopts it: the
   * link, or, where the mechanism has none, the program.
   */
  pin(path: string): void;
  /** Ends the attachment and removes its pin. Never touches what others attached. */
  detach(): void;
  /** Gives up our hold: ends the attachment unless it is pinned. */
  close(): void;
}
