/**
 * The tc fall-back for kernels without TCX (before 6.6): a BPF filter in direct-action mode under the clsact
 * discipline, at a priority and with a handle of its own. A filter cannot be replaced on condition: between looking
 * who is there and replacing it, another owner could step in.
 */
import { inside, NetworkNamespace } from "../namespaces.ts";
import { NETLINK_ROUTE } from "../netlink/constants.ts";
import { findLink, getLink } from "../netlink/links.ts";
import { NetlinkSocket } from "../netlink/socket.ts";
import {
  addClsact,
  countFilters,
  type Direction,
  deleteClsact,
  deleteFilter,
  type FilterPlace,
  hasClsact,
  listBpfFilters,
  setBpfFilter,
} from "../netlink/traffic-control.ts";
import { readProgramInfo } from "../programs/info.ts";
import { errno } from "../sys/errno.ts";
import { hasErrno } from "../system-error.ts";
import type { AttachableProgram, Attachment, AttachOptions } from "./attachment.ts";
import { InstalledAttachment, type Installer } from "./installed-attachment.ts";
import type { TcxSpec } from "./tcx.ts";

/** Where the kernel starts when it chooses priorities itself: others that leave it to the kernel come before us. */
const DEFAULT_PRIORITY = 0xc000;
const HANDLE_ATTEMPTS = 64;

/** Disciplines that this process added and so may take away: namespace inode and device index. */
const ownDisciplines = new Set<string>();

/** Attaches a filter (any kernel that we promise). The name that `tc filter show` prints is the program's. */
export function attachClassifier(program: AttachableProgram, spec: TcxSpec, options: AttachOptions): Attachment {
  return InstalledAttachment.create(installer(spec, options, undefined), program);
}

/** Takes over a filter whose program is pinned at `path`. */
export function adoptClassifier(path: string, spec: TcxSpec, options: AttachOptions): Attachment {
  return InstalledAttachment.adopt(path, `${spec.hook} of ${spec.device}`, (programId) => {
    using socket = new NetlinkSocket(NETLINK_ROUTE, options.namespace);
    const device = getLink(socket, spec.device).index;
    const filter = listBpfFilters(socket, device, directionOf(spec)).find((found) => found.programId === programId);
    return filter && installer(spec, options, filter);
  });
}

function directionOf(spec: TcxSpec): Direction {
  return spec.hook === "tcx-ingress" ? "ingress" : "egress";
}

function disciplineKey(options: AttachOptions, device: number): string {
  using current = inside(options.namespace, () => NetworkNamespace.current());
  return `${current.inode}/${device}`;
}

function installer(spec: TcxSpec, options: AttachOptions, found: FilterPlace | undefined): Installer {
  let place = found;
  const withSocket = <Result>(body: (socket: NetlinkSocket) => Result): Result => {
    using socket = new NetlinkSocket(NETLINK_ROUTE, options.namespace);
    return body(socket);
  };
  return {
    hook: spec.hook,
    target: spec.device,
    current: () =>
      withSocket((socket) => {
        // The device may be gone or moved to another namespace: then so is the filter.
        if (!place || findLink(socket, spec.device)?.index !== place.device) return undefined;
        const at = place;
        return listBpfFilters(socket, at.device, at.direction).find(
          (filter) => filter.priority === at.priority && filter.handle === at.handle,
        )?.programId;
      }),
    install(program, expected) {
      const named = { fd: program.fd, name: readProgramInfo(program.fd).name || "iovisor" };
      withSocket((socket) => {
        if (expected !== undefined && place) setBpfFilter(socket, place, named, false);
        else place = addFilter(socket, spec, options, named);
      });
    },
    remove() {
      withSocket((socket) => place && removeFilter(socket, place, options));
    },
  };
}

function addFilter(
  socket: NetlinkSocket,
  spec: TcxSpec,
  options: AttachOptions,
  program: { readonly fd: number; readonly name: string },
): FilterPlace {
  const device = getLink(socket, spec.device).index;
  if (addClsact(socket, device)) ownDisciplines.add(disciplineKey(options, device));
  const direction = directionOf(spec);
  const priority = spec.priority ?? DEFAULT_PRIORITY;
  for (let handle = 1; ; handle++) {
    const place = { device, direction, priority, handle };
    try {
      setBpfFilter(socket, place, program, true);
      return place;
    } catch (error) {
      if (hasErrno(error, errno.EEXIST) && handle < HANDLE_ATTEMPTS) continue;
      removeEmptyDiscipline(socket, device, options);
      throw error;
    }
  }
}

function removeFilter(socket: NetlinkSocket, place: FilterPlace, options: AttachOptions): void {
  deleteFilter(socket, place);
  removeEmptyDiscipline(socket, place.device, options);
}

function removeEmptyDiscipline(socket: NetlinkSocket, device: number, options: AttachOptions): void {
  const key = disciplineKey(options, device);
  if (!ownDisciplines.has(key) || !hasClsact(socket, device)) return;
  if (countFilters(socket, device, "ingress") + countFilters(socket, device, "egress") > 0) return;
  deleteClsact(socket, device);
  ownDisciplines.delete(key);
}
