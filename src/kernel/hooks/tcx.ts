/**
 * TCX: packets on their way in (after XDP, before the stack) and out of a device. Several programs run one after the
 * other in an order that anchors define (Linux 6.6). Older kernels get the clsact fall-back.
 */
import { IovisorError } from "../../errors.ts";
import { inside, type NetworkNamespace } from "../namespaces.ts";
import { NETLINK_ROUTE } from "../netlink/constants.ts";
import { getLink } from "../netlink/links.ts";
import { NetlinkSocket } from "../netlink/socket.ts";
import { anchorFlags, attachTypes, linkCreate, programQuery } from "../sys/bpf.ts";
import { errno } from "../sys/errno.ts";
import { systemError } from "../system-error.ts";
import type { AttachableProgram, Attachment, AttachOptions } from "./attachment.ts";
import { adoptClassifier, attachClassifier } from "./clsact.ts";
import { LinkAttachment, type LinkRecipe } from "./link-attachment.ts";
import { describeLoaded, type LinkInfo } from "./link-info.ts";

/** The index of the loopback device in every namespace. */
const LOOPBACK = 1;

/** Where among the programs of a hook. By default last. */
export type Anchor =
  | { readonly at: "first" | "last" }
  | { readonly at: "before" | "after"; readonly linkId: number }
  | { readonly at: "before" | "after"; readonly programId: number };

/** Where a TCX program goes. */
export interface TcxSpec {
  readonly hook: "tcx-ingress" | "tcx-egress";
  readonly device: string;
  readonly anchor?: Anchor;
  /** Attach only if the list of programs still has this revision ({@link queryTcx}). */
  readonly expectedRevision?: bigint;
  /** "clsact" uses a tc filter although the kernel has TCX; without a word TCX where the kernel has it. */
  readonly mechanism?: "tcx" | "clsact";
  /** With clsact: the filter's priority, 1 to 65535; lower runs earlier. */
  readonly priority?: number;
}

/** The programs of a TCX hook, in the order in which they run. */
export interface TcxState {
  /** Changes with every change of the list. */
  readonly revision: bigint;
  readonly programs: readonly { readonly programId: number; readonly linkId: number | undefined }[];
}

/** Attaches at TCX, or with a clsact filter where the kernel has no TCX. */
export function attachTcx(program: AttachableProgram, spec: TcxSpec, options: AttachOptions = {}): Attachment {
  if (usesClassifier(spec)) return attachClassifier(program, spec, options);
  return LinkAttachment.create(recipe(spec, options), program);
}

/** Takes over a pinned attachment. */
export function adoptTcx(path: string, spec: TcxSpec, options: AttachOptions = {}): Attachment {
  if (usesClassifier(spec)) return adoptClassifier(path, spec, options);
  return LinkAttachment.adopt(recipe(spec, options), path);
}

/** Who is attached to a device; undefined if the kernel has no TCX. */
export function queryTcx(
  index: number,
  hook: TcxSpec["hook"],
  namespace?: NetworkNamespace | undefined,
): TcxState | undefined {
  const { result, revision, programIds, linkIds } = inside(namespace, () => programQuery(index, attachTypeOf(hook)));
  if (result === -errno.EINVAL) return undefined;
  if (result < 0) throw systemError(`asking for the ${hook} programs of device ${index}`, result);
  const programs = Array.from(programIds, (programId, at) => ({ programId, linkId: linkIds[at] || undefined }));
  return { revision, programs };
}

let tcxAvailable: boolean | undefined;

/** Has this kernel TCX? Asked once, on the loopback device. */
export function hasTcx(): boolean {
  tcxAvailable ??= queryTcx(LOOPBACK, "tcx-ingress") !== undefined;
  return tcxAvailable;
}

function usesClassifier(spec: TcxSpec): boolean {
  if (spec.mechanism === "clsact") return true;
  if (spec.mechanism === "tcx" || hasTcx()) return false;
  if (spec.anchor?.at !== "before" && spec.anchor?.at !== "after") return true;
  throw new IovisorError(
    "E_USAGE",
    `this kernel has no TCX (Linux 6.6): a program cannot be put ${spec.anchor.at} another at ${spec.hook}`,
    "choose a priority instead: of two tc filters the lower runs first",
  );
}

function attachTypeOf(hook: TcxSpec["hook"]): number {
  return hook === "tcx-ingress" ? attachTypes.tcx_ingress : attachTypes.tcx_egress;
}

function encodeAnchor(anchor: Anchor | undefined): { flags: number; relative: number } {
  const place = anchor?.at === "first" || anchor?.at === "before" ? anchorFlags.before : anchorFlags.after;
  if (anchor && "linkId" in anchor)
    return { flags: place | anchorFlags.id | anchorFlags.link, relative: anchor.linkId };
  if (anchor && "programId" in anchor) return { flags: place | anchorFlags.id, relative: anchor.programId };
  return { flags: place, relative: 0 };
}

function deviceIndex(spec: TcxSpec, options: AttachOptions): number {
  using socket = new NetlinkSocket(NETLINK_ROUTE, options.namespace);
  return getLink(socket, spec.device).index;
}

function recipe(spec: TcxSpec, options: AttachOptions): LinkRecipe {
  return {
    hook: spec.hook,
    target: spec.device,
    replacement: "in-place",
    create(program) {
      const index = deviceIndex(spec, options);
      const { flags, relative } = encodeAnchor(spec.anchor);
      const result = inside(options.namespace, () =>
        linkCreate({
          programFd: program.fd,
          target: index,
          attachType: attachTypeOf(spec.hook),
          flags,
          detail: {
            kind: "anchor",
            relative,
            ...(spec.expectedRevision !== undefined && { expectedRevision: spec.expectedRevision }),
          },
        }),
      );
      if (result < 0) throw explain(result, spec, program);
      return result;
    },
    matches: (info: LinkInfo) =>
      info.type === "tcx" && info.attachType === attachTypeOf(spec.hook) && info.device === deviceIndex(spec, options),
  };
}

function explain(result: number, spec: TcxSpec, program: AttachableProgram): Error {
  const action = `attaching ${describeLoaded(program)} at ${spec.hook} of ${spec.device}`;
  switch (-result) {
    case errno.EEXIST:
      return systemError(action, result, "that program is there already; load another copy to attach it twice");
    case errno.ESTALE:
      return systemError(action, result, "someone changed the list of programs; read it again and decide anew");
    case errno.ENOENT:
      return systemError(
        action,
        result,
        "the link or program to anchor at is not attached there; `iovisor ls` shows what is",
      );
    case errno.ERANGE:
      return systemError(action, result, "the hook takes 64 programs at most; detach one");
    case errno.EINVAL:
      return new IovisorError(
        "E_USAGE",
        `${action} failed: EINVAL`,
        "the program must be of type sched_cls, and an anchor must name a link by linkId, a bare program by programId",
      );
    default:
      return systemError(action, result);
  }
}
