/** Changing and removing network devices. */

import type { NetworkNamespace } from "../namespaces.ts";
import { errno } from "../sys/errno.ts";
import { hasErrno } from "../system-error.ts";
import { IFF, IFLA, RTM } from "./constants.ts";
import { NetlinkError } from "./error.ts";
import { macToBytes } from "./ip.ts";
import { checkedName, describeLink, findLink, getLink, type LinkReference, linkTarget } from "./links.ts";
import { bytesAttribute, concat, textAttribute, u32Attribute } from "./message.ts";
import type { NetlinkSocket } from "./socket.ts";

/** What can be changed on a device; what is not mentioned stays. */
export interface LinkChange {
  readonly up?: boolean;
  readonly name?: string;
  readonly mtu?: number;
  readonly address?: string;
  readonly promiscuous?: boolean;
  /** A bridge (or other master) to join; null to leave the one it is in. */
  readonly master?: LinkReference | null;
  /** The namespace to move to. The kernel takes addresses, routes and tc programs off the device on the way. */
  readonly namespace?: NetworkNamespace;
}

/**
 * Applies a change in one request. Throws E_NO_DEVICE, E_BUSY if a device that is up is to be renamed before Linux 6.2
 * (net/core/dev.c, dev_change_name), or the kernel's reason.
 */
export function changeLink(socket: NetlinkSocket, reference: LinkReference, change: LinkChange): void {
  const attributes: Uint8Array[] = [];
  if (change.name !== undefined) attributes.push(textAttribute(IFLA.name, checkedName(change.name)));
  if (change.mtu !== undefined) attributes.push(u32Attribute(IFLA.mtu, change.mtu));
  if (change.address !== undefined) attributes.push(bytesAttribute(IFLA.address, macToBytes(change.address)));
  if (change.master !== undefined) attributes.push(u32Attribute(IFLA.master, masterIndex(socket, change.master)));
  if (change.namespace) attributes.push(u32Attribute(IFLA.netnsFd, change.namespace.fd));
  let flags = 0;
  let mask = 0;
  for (const [wanted, bit] of [
    [change.up, IFF.up],
    [change.promiscuous, IFF.promiscuous],
  ] as const) {
    if (wanted === undefined) continue;
    mask |= bit;
    if (wanted) flags |= bit;
  }
  // A new name and the old one are the same attribute: renaming needs the index.
  const target = change.name === undefined ? reference : getLink(socket, reference).index;
  const payload = concat([...linkTarget(target, flags, mask), ...attributes]);
  const action = `changing ${describeLink(reference)}`;
  try {
    socket.request(action, RTM.newLink, 0, payload);
  } catch (error) {
    if (change.name === undefined || !hasErrno(error, errno.EBUSY) || !findLink(socket, target)?.up) throw error;
    throw new NetlinkError(action, errno.EBUSY, undefined, RENAME_REMEDY);
  }
}

const RENAME_REMEDY = "a device that is up can be renamed from Linux 6.2 on: put it down first, and up afterwards";

/** Removes a device; of a veth pair both ends go. Throws E_NO_DEVICE. */
export function deleteLink(socket: NetlinkSocket, reference: LinkReference): void {
  socket.request(`deleting ${describeLink(reference)}`, RTM.delLink, 0, concat(linkTarget(reference)));
}

function masterIndex(socket: NetlinkSocket, master: LinkReference | null): number {
  return master === null ? 0 : getLink(socket, master).index;
}
