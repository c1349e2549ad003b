/** The neighbour tables: which MAC address an IP address has on a link (ARP, IPv6 neighbour discovery). */
import { AF, NLM_F, RTM } from "./constants.ts";
import { bytesToIp, bytesToMac, familyOf, ipToBytes, macToBytes } from "./ip.ts";
import { getLink, type LinkReference } from "./links.ts";
import { Attributes, bytesAttribute, concat, type NetlinkMessage } from "./message.ts";
import type { NetlinkSocket } from "./socket.ts";

const HEADER_SIZE = 12;
const NDA = { destination: 1, linkAddress: 2 } as const;
const states = {
  0: "none",
  1: "incomplete",
  2: "reachable",
  4: "stale",
  8: "delay",
  16: "probe",
  32: "failed",
  64: "noarp",
  128: "permanent",
} as const;

/** RFC 4861 states, plus the kernel's own. */
export type NeighbourState = (typeof states)[keyof typeof states];

export interface Neighbour {
  readonly link: number;
  readonly address: string;
  /** Undefined while it is being resolved, and where that failed. */
  readonly mac: string | undefined;
  readonly state: NeighbourState;
}

function header(family: number, link: number, state: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_SIZE);
  const view = new DataView(bytes.buffer);
  bytes[0] = family;
  view.setInt32(4, link, true);
  view.setUint16(8, state, true);
  return bytes;
}

/** Reads an RTM_NEWNEIGH or RTM_DELNEIGH message; undefined for bridge entries. */
export function decodeNeighbour(message: NetlinkMessage): Neighbour | undefined {
  const { payload } = message;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  if (payload[0] !== AF.inet && payload[0] !== AF.inet6) return undefined;
  const attributes = new Attributes(payload, HEADER_SIZE);
  const address = attributes.bytes(NDA.destination);
  if (!address) return undefined;
  const mac = attributes.bytes(NDA.linkAddress);
  return {
    link: view.getInt32(4, true),
    address: bytesToIp(address),
    mac: mac && bytesToMac(mac),
    state: states[view.getUint16(8, true) as keyof typeof states] ?? "none",
  };
}

/** All neighbours of the socket's namespace, or those on one device. */
export function listNeighbours(socket: NetlinkSocket, link?: LinkReference): Neighbour[] {
  const index = link === undefined ? undefined : getLink(socket, link).index;
  return socket
    .dump("listing neighbours", RTM.getNeighbour, header(AF.unspecified, 0, 0))
    .map(decodeNeighbour)
    .filter((neighbour) => neighbour !== undefined)
    .filter((neighbour) => index === undefined || neighbour.link === index);
}

/** Sets a neighbour, replacing what is known of it; "permanent" entries are never resolved again. */
export function setNeighbour(
  socket: NetlinkSocket,
  link: LinkReference,
  address: string,
  mac: string,
  state: "permanent" | "reachable" | "stale" = "permanent",
): void {
  const number = { permanent: 0x80, reachable: 0x02, stale: 0x04 }[state];
  const payload = concat([
    header(familyOf(address), getLink(socket, link).index, number),
    bytesAttribute(NDA.destination, ipToBytes(address)),
    bytesAttribute(NDA.linkAddress, macToBytes(mac)),
  ]);
  socket.request(`setting neighbour ${address}`, RTM.newNeighbour, NLM_F.create | NLM_F.replace, payload);
}

/** Forgets a neighbour. */
export function deleteNeighbour(socket: NetlinkSocket, link: LinkReference, address: string): void {
  const target = header(familyOf(address), getLink(socket, link).index, 0);
  const payload = concat([target, bytesAttribute(NDA.destination, ipToBytes(address))]);
  socket.request(`deleting neighbour ${address}`, RTM.delNeighbour, 0, payload);
}
