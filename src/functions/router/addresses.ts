import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from "../../capture/address.ts";

export type Family = 4 | 6;

export const addressBits: Readonly<Record<Family, number>> = { 4: 32, 6: 128 };

/** An address of either family as its bytes: 4 or 16 of them. */
export function parseAddress(text: string): Uint8Array | undefined {
  return parseIpv4(text) ?? parseIpv6(text);
}

export function formatAddress(address: Uint8Array): string {
  return address.length === 4 ? formatIpv4(address) : formatIpv6(address);
}

export function familyOf(address: Uint8Array): Family {
  return address.length === 4 ? 4 : 6;
}

/** Network addresses with a length: what routes are for. */
export interface Prefix {
  /** Bits behind the prefix are zero. */
  readonly address: Uint8Array;
  readonly length: number;
}

/** "10.0.0.1/24" as it stands: the bits behind the prefix are those of a host. */
export function parseInterface(text: string): Prefix | undefined {
  const slash = text.lastIndexOf("/");
  const digits = text.slice(slash + 1);
  const address = slash > 0 && /^\d{1,3}$/.test(digits) ? parseAddress(text.slice(0, slash)) : undefined;
  const length = Number(digits);
  return address && length <= address.length * 8 ? { address, length } : undefined;
}

/** "10.0.0.0/24"; undefined as well where bits behind the prefix are set. */
export function parsePrefix(text: string): Prefix | undefined {
  const found = parseInterface(text);
  return found && isNetwork(found) ? found : undefined;
}

function isNetwork({ address, length }: Prefix): boolean {
  for (let index = length >> 3; index < address.length; index++) {
    const fixed = Math.max(0, length - 8 * index);
    if ((address[index]! & (0xff >> fixed)) !== 0) return false;
  }
  return true;
}

export function formatPrefix({ address, length }: Prefix): string {
  return `${formatAddress(address)}/${length}`;
}

export function networkOf({ address, length }: Prefix): Uint8Array {
  return address.map((byte, index) => byte & (0xff << Math.min(8, Math.max(0, 8 * (index + 1) - length))));
}

/** The last address of a prefix: all bits behind it set. */
export function lastOf({ address, length }: Prefix): Uint8Array {
  return address.map((byte, index) => byte | (0xff >> Math.min(8, Math.max(0, length - 8 * index))));
}

export function contains(prefix: Prefix, address: Uint8Array): boolean {
  if (prefix.address.length !== address.length) return false;
  const network = networkOf({ address, length: prefix.length });
  return Buffer.compare(network, networkOf(prefix)) === 0;
}

export function isLinkLocal(address: Uint8Array): boolean {
  if (address.length === 4) return address[0] === 169 && address[1] === 254;
  return address[0] === 0xfe && (address[1]! & 0xc0) === 0x80;
}

/** Addresses that no host can have: multicast, loopback, unspecified and what is reserved. */
export function isNoHost(address: Uint8Array): boolean {
  const first = address[0]!;
  if (address.length === 4) return first === 0 || first === 127 || first >= 224;
  return first === 0xff || (address.subarray(0, 15).every((byte) => byte === 0) && address[15]! < 2);
}

/** An address as two numbers of 64 bits, as kernel code has it. IPv4 addresses are in `low`. */
export function wordsOf(address: Uint8Array): { readonly high: bigint; readonly low: bigint } {
  const view = new DataView(address.buffer, address.byteOffset, address.byteLength);
  if (address.length === 4) return { high: 0n, low: BigInt(view.getUint32(0)) };
  return { high: view.getBigUint64(0), low: view.getBigUint64(8) };
}

export function numberOf(address: Uint8Array): number {
  return Number(wordsOf(address).low);
}

export function fromNumber(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

export function fromWords(high: bigint, low: bigint): Uint8Array {
  const address = new Uint8Array(16);
  const view = new DataView(address.buffer);
  view.setBigUint64(0, high);
  view.setBigUint64(8, low);
  return address;
}

/** The link-local address of an interface with this MAC: RFC 4291, appendix A. */
export function linkLocalOf(mac: Uint8Array): Uint8Array {
  const [first = 0, second = 0, third = 0, ...rest] = mac;
  return Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, first ^ 2, second, third, 0xff, 0xfe, ...rest);
}
