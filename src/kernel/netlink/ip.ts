/** IP and MAC addresses between text and bytes. IPv6 text is canonical (RFC 5952). */
import { isIPv4, isIPv6 } from "node:net";
import { IovisorError } from "../../errors.ts";
import { AF } from "./constants.ts";

/** An address with a prefix length. */
export interface Prefix {
  readonly address: string;
  readonly length: number;
}

function refuse(text: string, what: string): never {
  throw new IovisorError(
    "E_USAGE",
    `"${text}" is not ${what}`,
    "write 192.0.2.1, 2001:db8::1, 192.0.2.0/24 or 02:00:00:00:00:01",
  );
}

/** 4 or 16 bytes in network order. */
export function ipToBytes(text: string): Uint8Array {
  if (isIPv4(text)) return Uint8Array.from(text.split("."), Number);
  if (isIPv6(text) && !text.includes("%")) return ipv6ToBytes(text);
  return refuse(text, "an IP address");
}

function ipv6ToBytes(text: string): Uint8Array {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (dotted) {
    const [a, b, c, d] = ipToBytes(dotted[2]!) as unknown as [number, number, number, number];
    return ipv6ToBytes(`${dotted[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`);
  }
  const [head = "", tail] = text.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = new Array<string>(8 - before.length - after.length).fill("0");
  const groups = [...before, ...zeros, ...after].map((group) => Number.parseInt(group, 16));
  return Uint8Array.from(groups.flatMap((group) => [group >>> 8, group & 0xff]));
}

/** Text of 4 or 16 bytes in network order. */
export function bytesToIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, index) => ((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0));
  const { start, length } = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(":");
  return `${hex.slice(0, start).join(":")}::${hex.slice(start + length).join(":")}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}

/** AF_INET or AF_INET6. */
export function familyOf(address: string): number {
  return isIPv4(address) ? AF.inet : AF.inet6;
}

/** Reads "10.0.0.0/8"; an address alone is a prefix of full length. */
export function parsePrefix(text: string): Prefix {
  const [address = "", length, ...rest] = text.split("/");
  const full = ipToBytes(address).length * 8;
  if (length === undefined) return { address, length: full };
  const number = /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
  if (rest.length > 0 || !(number <= full)) refuse(text, `a prefix (the length is 0 to ${full})`);
  return { address, length: number };
}

/** Six bytes of "02:00:00:00:00:01". */
export function macToBytes(text: string): Uint8Array {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) refuse(text, "a MAC address");
  return Uint8Array.from(text.split(":"), (part) => Number.parseInt(part, 16));
}

/** "02:00:00:00:00:01" of bytes of any length. */
export function bytesToMac(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}
