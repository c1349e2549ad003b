/** Network devices ("links"): reading them. */
import { IovisorError } from "../../errors.ts";
import { errno } from "../sys/errno.ts";
import { hasErrno } from "../system-error.ts";
import { IFF, IFLA, IFLA_INFO, IFLA_XDP, RTM } from "./constants.ts";
import { bytesToMac } from "./ip.ts";
import { Attributes, concat, type NetlinkMessage, textAttribute, u32Attribute } from "./message.ts";
import type { NetlinkSocket } from "./socket.ts";

/** Leaves out statistics, which nobody reads here and which cost the kernel time (RTEXT_FILTER_SKIP_STATS). */
const SKIP_STATISTICS = 8;
const HEADER_SIZE = 16;
const operationalStates = ["unknown", "not-present", "down", "lower-layer-down", "testing", "dormant", "up"] as const;
const xdpModes = ["none", "native", "generic", "hardware", "multiple"] as const;

/** RFC 2863 operational state, as `ip link` shows it. */
export type OperationalState = (typeof operationalStates)[number];

/** What runs at XDP on a device. */
export interface XdpState {
  readonly mode: (typeof xdpModes)[number];
  /** Program ids by mode; a device can have one of each. */
  readonly nativeProgramId: number | undefined;
  readonly genericProgramId: number | undefined;
  readonly hardwareProgramId: number | undefined;
}

/** A network device. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** Link-layer type (ARPHRD_*): 1 Ethernet, 772 loopback. */
  readonly type: number;
  /** "veth", "bridge", ...; undefined for physical devices and loopback. */
  readonly kind: string | undefined;
  readonly mtu: number;
  /** MAC address; undefined for devices without one. */
  readonly address: string | undefined;
  /** Administratively up. */
  readonly up: boolean;
  /** Up, and the layer below as well: frames can flow. */
  readonly carrier: boolean;
  readonly operationalState: OperationalState;
  /** IFF_* bits. */
  readonly flags: number;
  /** Index of the bridge or other master that the device belongs to. */
  readonly master: number | undefined;
  /** Index of the veth peer, or of the device below (macvlan), in its own namespace. */
  readonly peer: number | undefined;
  /** True if `peer` is an index in another namespace. */
  readonly peerElsewhere: boolean;
  /** By which id the device's namespace knows the peer's; undefined in the same one. */
  readonly peerNamespaceId: number | undefined;
  readonly txQueues: number;
  readonly rxQueues: number;
  readonly xdp: XdpState;
}

/** A device by name or by index. */
export type LinkReference = string | number;

/** struct ifinfomsg. */
export function linkHeader(index = 0, flags = 0, change = 0): Uint8Array {
  const header = new Uint8Array(HEADER_SIZE);
  const view = new DataView(header.buffer);
  view.setInt32(4, index, true);
  view.setUint32(8, flags, true);
  view.setUint32(12, change, true);
  return header;
}

/** Header and name attribute that point at a device. Throws E_USAGE for what cannot be a device's name. */
export function linkTarget(reference: LinkReference, flags = 0, change = 0): Uint8Array[] {
  if (typeof reference === "number") return [linkHeader(reference, flags, change)];
  return [linkHeader(0, flags, change), textAttribute(IFLA.name, checkedName(reference))];
}

/** Returns `name` if the kernel takes it as a device's name: 1 to 15 bytes, no slash, no space. */
export function checkedName(name: string): string {
  if (!/^[^\s/:\0]+$/.test(name) || Buffer.byteLength(name) > 15 || name === "." || name === "..") {
    throw new IovisorError(
      "E_USAGE",
      `"${name}" cannot be the name of a network device`,
      "use 1 to 15 characters without spaces, slashes and colons",
    );
  }
  return name;
}

/** "eth0" or "device 4". */
export function describeLink(reference: LinkReference): string {
  return typeof reference === "number" ? `device ${reference}` : reference;
}

/** Reads an RTM_NEWLINK or RTM_DELLINK message. */
export function decodeLink(message: NetlinkMessage): Link {
  const { payload } = message;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const attributes = new Attributes(payload, HEADER_SIZE);
  const flags = view.getUint32(8, true);
  const address = attributes.bytes(IFLA.address);
  return {
    index: view.getInt32(4, true),
    name: attributes.text(IFLA.name) ?? "",
    type: view.getUint16(2, true),
    kind: attributes.nested(IFLA.linkInfo)?.text(IFLA_INFO.kind),
    mtu: attributes.u32(IFLA.mtu) ?? 0,
    address: address && address.length > 0 ? bytesToMac(address) : undefined,
    up: (flags & IFF.up) !== 0,
    carrier: (flags & IFF.lowerUp) !== 0,
    operationalState: operationalStates[attributes.u8(IFLA.operState) ?? 0] ?? "unknown",
    flags,
    master: attributes.u32(IFLA.master),
    peer: attributes.u32(IFLA.link),
    peerElsewhere: attributes.has(IFLA.linkNetnsId),
    peerNamespaceId: attributes.u32(IFLA.linkNetnsId),
    txQueues: attributes.u32(IFLA.txQueues) ?? 1,
    rxQueues: attributes.u32(IFLA.rxQueues) ?? 1,
    xdp: decodeXdp(attributes.nested(IFLA.xdp)),
  };
}

function decodeXdp(attributes: Attributes | undefined): XdpState {
  const mode = xdpModes[attributes?.u8(IFLA_XDP.attached) ?? 0] ?? "none";
  const only = attributes?.u32(IFLA_XDP.programId);
  return {
    mode,
    nativeProgramId: attributes?.u32(IFLA_XDP.nativeProgramId) ?? (mode === "native" ? only : undefined),
    genericProgramId: attributes?.u32(IFLA_XDP.genericProgramId) ?? (mode === "generic" ? only : undefined),
    hardwareProgramId: attributes?.u32(IFLA_XDP.hardwareProgramId) ?? (mode === "hardware" ? only : undefined),
  };
}

/** All devices of the socket's namespace, by index. */
export function listLinks(socket: NetlinkSocket): Link[] {
  const payload = concat([linkHeader(), u32Attribute(IFLA.extMask, SKIP_STATISTICS)]);
  return socket.dump("listing devices", RTM.getLink, payload).map(decodeLink);
}

/** A device, or undefined if there is none of that name or index in the socket's namespace. */
export function findLink(socket: NetlinkSocket, reference: LinkReference): Link | undefined {
  const payload = concat([...linkTarget(reference), u32Attribute(IFLA.extMask, SKIP_STATISTICS)]);
  try {
    const [answer] = socket.request(`reading ${describeLink(reference)}`, RTM.getLink, 0, payload);
    return answer && decodeLink(answer);
  } catch (error) {
    if (hasErrno(error, errno.ENODEV)) return undefined;
    throw error;
  }
}

/** A device; throws E_NO_DEVICE that lists the ones there are. */
export function getLink(socket: NetlinkSocket, reference: LinkReference): Link {
  const link = findLink(socket, reference);
  if (link) return link;
  const names = listLinks(socket).map(({ name }) => name);
  throw new IovisorError(
    "E_NO_DEVICE",
    `no network device ${typeof reference === "number" ? `with index ${reference}` : `"${reference}"`} in this namespace`,
    `the devices here are: ${names.slice(0, 12).join(", ")}${names.length > 12 ? ", ..." : ""}`,
  );
}
