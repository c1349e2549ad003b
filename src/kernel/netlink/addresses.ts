/** IPv4 and IPv6 addresses of devices. */
import { IovisorError } from "../../errors.ts";
import { AF, NLM_F, RTM } from "./constants.ts";
import { bytesToIp, familyOf, ipToBytes, parsePrefix } from "./ip.ts";
import { getLink, type LinkReference } from "./links.ts";
import { Attributes, bytesAttribute, concat, type NetlinkMessage, u32Attribute } from "./message.ts";
import type { NetlinkSocket } from "./socket.ts";

const HEADER_SIZE = 8;
const IFA = { address: 1, local: 2, broadcast: 4, flags: 8 } as const;
const IFA_F = { noDuplicateDetection: 0x02, tentative: 0x40, permanent: 0x80 } as const;
const scopes: Readonly<Record<number, AddressScope>> = { 0: "global", 200: "site", 253: "link", 254: "host" };

export type AddressScope = "global" | "site" | "link" | "host";

/** An address on a device. */
export interface InterfaceAddress {
  readonly link: number;
  readonly address: string;
  readonly prefixLength: number;
  readonly scope: AddressScope;
  /** The other end of a point-to-point link. */
  readonly peer: string | undefined;
  /** IPv6: duplicate detection has not ended; the address cannot be used yet. */
  readonly tentative: boolean;
}

function header(family: number, prefixLength: number, link: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_SIZE);
  bytes[0] = family;
  bytes[1] = prefixLength;
  new DataView(bytes.buffer).setUint32(4, link, true);
  return bytes;
}

/** Reads an RTM_NEWADDR or RTM_DELADDR message; undefined for families other than IP. */
export function decodeAddress(message: NetlinkMessage): InterfaceAddress | undefined {
  const { payload } = message;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const family = payload[0];
  if (family !== AF.inet && family !== AF.inet6) return undefined;
  const attributes = new Attributes(payload, HEADER_SIZE);
  const address = attributes.bytes(IFA.address);
  // IFA_LOCAL is our own address where it differs from the peer's; IPv6 gives it for point-to-point links only.
  const local = attributes.bytes(IFA.local) ?? address;
  if (!local || !address) return undefined;
  const [text, other] = [bytesToIp(local), bytesToIp(address)];
  return {
    link: view.getUint32(4, true),
    address: text,
    prefixLength: payload[1] ?? 0,
    scope: scopes[payload[3] ?? 0] ?? "global",
    peer: text === other ? undefined : other,
    tentative: ((attributes.u32(IFA.flags) ?? 0) & IFA_F.tentative) !== 0,
  };
}

/** The addresses of the socket's namespace, or of one device of it. */
export function listAddresses(socket: NetlinkSocket, link?: LinkReference): InterfaceAddress[] {
  const index = link === undefined ? undefined : getLink(socket, link).index;
  return socket
    .dump("listing addresses", RTM.getAddress, header(AF.unspecified, 0, 0))
    .map(decodeAddress)
    .filter((address) => address !== undefined)
    .filter((address) => index === undefined || address.link === index);
}

/**
 * Gives a device an address, such as "192.0.2.1/24" or "2001:db8::1/64". IPv6 addresses skip duplicate detection
 * unless `detectDuplicates` asks for it: they can be bound to at once, and take packets as soon as a work queue of the
 * kernel has added their route, milliseconds later. Throws E_BUSY if the device has it.
 */
export function addAddress(
  socket: NetlinkSocket,
  link: LinkReference,
  address: string,
  options: { readonly detectDuplicates?: boolean } = {},
): void {
  const { family, length, bytes } = parse(address);
  const attributes = [bytesAttribute(IFA.local, bytes), bytesAttribute(IFA.address, bytes)];
  if (family === AF.inet && length < 31) attributes.push(bytesAttribute(IFA.broadcast, broadcast(bytes, length)));
  if (family === AF.inet6 && !options.detectDuplicates) {
    attributes.push(u32Attribute(IFA.flags, IFA_F.noDuplicateDetection));
  }
  const payload = concat([header(family, length, getLink(socket, link).index), ...attributes]);
  socket.request(`adding address ${address} to ${link}`, RTM.newAddress, NLM_F.create | NLM_F.exclusive, payload);
}

/** Takes an address off a device. */
export function deleteAddress(socket: NetlinkSocket, link: LinkReference, address: string): void {
  const { family, length, bytes } = parse(address);
  const payload = concat([header(family, length, getLink(socket, link).index), bytesAttribute(IFA.local, bytes)]);
  socket.request(`removing address ${address} from ${link}`, RTM.delAddress, 0, payload);
}

function parse(text: string): { family: number; length: number; bytes: Uint8Array } {
  if (!text.includes("/")) {
    throw new IovisorError(
      "E_USAGE",
      `the address "${text}" has no prefix length`,
      `write it as ${text}/24 or similar`,
    );
  }
  const { address, length } = parsePrefix(text);
  return { family: familyOf(address), length, bytes: ipToBytes(address) };
}

function broadcast(address: Uint8Array, length: number): Uint8Array {
  const host = length === 0 ? 0xffffffff : 0xffffffff >>> length;
  return address.map((byte, index) => byte | ((host >>> (24 - 8 * index)) & 0xff));
}
