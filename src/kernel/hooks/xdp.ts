/** XDP: the first look at a received frame, in the driver, before the kernel makes a packet buffer of it. */
import { IovisorError, NotSupported } from "../../errors.ts";
import { inside } from "../namespaces.ts";
import { IFLA, IFLA_XDP, NETLINK_ROUTE, RTM } from "../netlink/constants.ts";
import { findLink, getLink, type Link, linkHeader } from "../netlink/links.ts";
import { concat, nest, u32Attribute } from "../netlink/message.ts";
import { NetlinkSocket } from "../netlink/socket.ts";
import { attachTypes, linkCreate } from "../sys/bpf.ts";
import { errno, errnoText } from "../sys/errno.ts";
import { hasErrno, systemError } from "../system-error.ts";
import type { AttachableProgram, Attachment, AttachOptions } from "./attachment.ts";
import { InstalledAttachment, type Installer } from "./installed-attachment.ts";
import { LinkAttachment, type LinkRecipe } from "./link-attachment.ts";
import { describeLoaded, describeProgram, listLinkInfo, withProgram } from "./link-info.ts";

/** XDP_FLAGS_*. */
const FLAGS = { updateIfNoExist: 1, generic: 2, native: 4, replace: 16 } as const;

/** Where an XDP program goes. */
export interface XdpSpec {
  readonly hook: "xdp";
  readonly device: string;
  /**
   * "native" runs in the driver and fails where the driver cannot; "generic" runs on every device, after the kernel
   * has made a packet buffer. By default native where the driver has it, else generic.
   */
  readonly mode?: "native" | "generic";
  /** "netlink" sets the program without a link, as kernels before 5.9 must; it stays until someone removes it. */
  readonly mechanism?: "link" | "netlink";
}

/** Attaches at XDP (Linux 5.9, with netlink 5.7). Throws E_BUSY that names another owner's program. */
export function attachXdp(program: AttachableProgram, spec: XdpSpec, options: AttachOptions = {}): Attachment {
  if (spec.mechanism !== "netlink") return LinkAttachment.create(linkRecipe(spec, options), program);
  return InstalledAttachment.create(netlinkInstaller(spec, options), program);
}

/** Takes over a pinned attachment. */
export function adoptXdp(path: string, spec: XdpSpec, options: AttachOptions = {}): Attachment {
  if (spec.mechanism !== "netlink") return LinkAttachment.adopt(linkRecipe(spec, options), path);
  const installer = netlinkInstaller(spec, options);
  return InstalledAttachment.adopt(path, `xdp of ${spec.device}`, (id) =>
    installer.current() === id ? installer : undefined,
  );
}

function modeFlag(mode: XdpSpec["mode"]): number {
  return mode === undefined ? 0 : FLAGS[mode];
}

function readDevice(spec: XdpSpec, options: AttachOptions): Link {
  using socket = new NetlinkSocket(NETLINK_ROUTE, options.namespace);
  return getLink(socket, spec.device);
}

function linkRecipe(spec: XdpSpec, options: AttachOptions): LinkRecipe {
  return {
    hook: "xdp",
    target: spec.device,
    replacement: "in-place",
    create(program) {
      const device = readDevice(spec, options);
      const result = inside(options.namespace, () =>
        linkCreate({
          programFd: program.fd,
          target: device.index,
          attachType: attachTypes.xdp,
          flags: modeFlag(spec.mode),
        }),
      );
      if (result < 0) throw explain(result, spec, device, program);
      return result;
    },
    matches: (info) => info.type === "xdp" && info.device === readDevice(spec, options).index,
  };
}

function explain(result: number, spec: XdpSpec, device: Link, program: AttachableProgram): Error {
  const { nativeProgramId, genericProgramId } = device.xdp;
  const other = nativeProgramId ?? genericProgramId;
  const number = -result;
  if ((number === errno.EBUSY || number === errno.EEXIST) && other !== undefined)
    return busy(spec.device, device, other);
  if (number === errno.EOPNOTSUPP || number === errno.ENOTSUPP) {
    return new NotSupported("native XDP", `the driver of ${spec.device} has no native XDP`, {
      remedy: "attach in generic mode, or at tcx-ingress",
    });
  }
  if (number === errno.ERANGE) {
    return new IovisorError(
      "E_USAGE",
      `native XDP does not fit ${spec.device}: the MTU (${device.mtu}, or the peer's) is more than one page holds`,
      "lower the MTU, load the program with support for fragments, or attach in generic mode",
    );
  }
  if (number === errno.ENOSPC) {
    return new IovisorError(
      "E_USAGE",
      `native XDP does not fit ${spec.device}: it has fewer receive queues than its peer has transmit queues`,
      `raise the queues (\`ethtool -L ${spec.device} rx N\`), or attach in generic mode`,
    );
  }
  if (number === errno.EINVAL) {
    return new IovisorError(
      "E_USAGE",
      `${describeLoaded(program)} cannot be attached at xdp of ${spec.device}: ${errnoText(number)}`,
      "it must be an XDP program, not one for a devmap or cpumap; link-based XDP needs Linux 5.9",
    );
  }
  return systemError(`attaching ${describeLoaded(program)} at xdp of ${spec.device}`, result);
}

function busy(name: string, device: Link, other: number): IovisorError {
  const { how, remedy } = holder(name, device.index, other);
  return new IovisorError(
    "E_BUSY",
    `${name} has an XDP program of another owner: ${describeProgram(other)}, attached ${how} (${device.xdp.mode} mode)`,
    `${remedy}, or attach at tcx-ingress, which takes several programs`,
  );
}

/** How a program is held at XDP of a device, and how to end that. */
function holder(name: string, device: number, programId: number): { readonly how: string; readonly remedy: string } {
  try {
    const link = listLinkInfo().find(
      (info) => info.type === "xdp" && info.device === device && info.programId === programId,
    );
    if (link) return { how: `by link ${link.id}`, remedy: "stop the process that holds the link or remove its pin" };
    return { how: "without a link", remedy: `take it away with \`ip link set dev ${name} xdp off\`` };
  } catch (error) {
    if (!hasErrno(error, errno.EPERM)) throw error;
    return { how: "by somebody", remedy: "run `iovisor ls` as root to see who holds it" };
  }
}

function netlinkInstaller(spec: XdpSpec, options: AttachOptions): Installer {
  const current = () => {
    using socket = new NetlinkSocket(NETLINK_ROUTE, options.namespace);
    const xdp = findLink(socket, spec.device)?.xdp;
    if (!xdp) return undefined; // the device is gone, and the program with it
    return spec.mode === "generic" ? xdp.genericProgramId : (xdp.nativeProgramId ?? xdp.genericProgramId);
  };
  const set = (fd: number, expectedFd: number | undefined) => {
    using socket = new NetlinkSocket(NETLINK_ROUTE, options.namespace);
    const flags = modeFlag(spec.mode) | (expectedFd === undefined ? FLAGS.updateIfNoExist : FLAGS.replace);
    const attributes = [u32Attribute(IFLA_XDP.fd, fd), u32Attribute(IFLA_XDP.flags, flags)];
    if (expectedFd !== undefined) attributes.push(u32Attribute(IFLA_XDP.expectedFd, expectedFd));
    const payload = concat([linkHeader(getLink(socket, spec.device).index), nest(IFLA.xdp, ...attributes)]);
    socket.request(`setting the XDP program of ${spec.device}`, RTM.setLink, 0, payload);
  };
  return {
    hook: "xdp",
    target: spec.device,
    current,
    install(program, expected) {
      try {
        if (expected === undefined) set(program.fd, undefined);
        else withProgram(expected, (old) => set(program.fd, old ?? -1));
      } catch (error) {
        const other = hasErrno(error, errno.EBUSY, errno.EEXIST) ? current() : undefined;
        if (other === undefined) throw error;
        throw busy(spec.device, readDevice(spec, options), other);
      }
    },
    remove(expected) {
      withProgram(expected, (old) => set(-1, old ?? -1));
    },
  };
}
