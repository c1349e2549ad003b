/** ICMP errors about packets: RFC 792, RFC 1812 (section 4.3) and RFC 4443 (sections 2.4 and 3). */
import { internetChecksum } from "../../capture/checksum.ts";
import { contains, isNoHost } from "./addresses.ts";
import type { RouterPort } from "./configuration.ts";
import { concat, ethernet, etherTypes, icmpv6, ipv4, linkHeader, viewOf } from "./frames.ts";

export type ErrorCause = "ttlExceeded" | "noRoute" | "prohibited" | "unreachable" | "tooBig";

const messages4: Readonly<Record<ErrorCause, readonly [type: number, code: number]>> = {
  ttlExceeded: [11, 0],
  noRoute: [3, 0],
  prohibited: [3, 13],
  unreachable: [3, 1],
  tooBig: [3, 4],
};
const messages6: Readonly<Record<ErrorCause, readonly [type: number, code: number]>> = {
  ttlExceeded: [3, 0],
  noRoute: [1, 0],
  prohibited: [1, 1],
  unreachable: [1, 3],
  tooBig: [2, 0],
};

/** Greatest errors: RFC 1812, section 4.3.2.3; RFC 4443, section 2.4 (c). */
const mostBytes = { 4: 576, 6: 1280 } as const;
const protocols = { icmp: 1, icmpv6: 58 } as const;
/** Errors of ICMP, as opposed to questions and answers: RFC 1122, section 3.2.2. */
const errors4 = new Set([3, 4, 5, 11, 12]);
/** Hop-by-hop options, routing, fragment, destination options, and what they share: the next header comes first. */
const extensions = new Set([0, 43, 44, 60]);

/** RFC 1812, section 4.3.2.7: not about errors, later fragments, groups, or for nobody. */
function mayAnswer4(ip: Uint8Array): boolean {
  const headerLength = (ip[0]! & 15) * 4;
  if ((viewOf(ip).getUint16(6) & 0x1fff) !== 0) return false;
  if (isNoHost(ip.subarray(12, 16)) || isNoHost(ip.subarray(16, 20))) return false;
  const type = ip[headerLength];
  return ip[9] !== protocols.icmp || (type !== undefined && !errors4.has(type));
}

/** RFC 4443, section 2.4 (e). Later fragments are no exception: a path's MTU is told for them, too (section 3.2). */
function mayAnswer6(ip: Uint8Array): boolean {
  if (isNoHost(ip.subarray(8, 24)) || ip[24] === 0xff) return false;
  let [next, offset] = [ip[6]!, 40];
  while (extensions.has(next) && offset + 8 <= ip.length) {
    if (next === 44 && (viewOf(ip).getUint16(offset + 2) & 0xfff8) !== 0) return true;
    const length = next === 44 ? 8 : (ip[offset + 1]! + 1) * 8;
    next = ip[offset]!;
    offset += length;
  }
  return next !== protocols.icmpv6 || (ip[offset] ?? 0) >= 128;
}

/** An address of the port, in the sender's network if there is one there; else one of another port. */
function addressFor(sender: Uint8Array, port: RouterPort, ports: readonly RouterPort[]): Uint8Array | undefined {
  const own = [...port.addresses, ...ports.flatMap(({ addresses }) => addresses)].filter(
    ({ address }) => address.length === sender.length,
  );
  const found = own.find((prefix) => contains(prefix, sender)) ?? own[0];
  return found?.address ?? (sender.length === 16 ? port.linkLocal : undefined);
}

function error4(ip: Uint8Array, cause: ErrorCause, source: Uint8Array, mtu: number): Uint8Array {
  const [type, code] = messages4[cause];
  const whole = ip.subarray(0, viewOf(ip).getUint16(2));
  const message = concat(Uint8Array.of(type, code, 0, 0, 0, 0, 0, 0), whole.subarray(0, mostBytes[4] - 28));
  // RFC 1191, section 4.
  if (cause === "tooBig") viewOf(message).setUint16(6, mtu);
  viewOf(message).setUint16(2, internetChecksum(message));
  return ipv4(source, ip.subarray(12, 16), protocols.icmp, message);
}

function error6(ip: Uint8Array, cause: ErrorCause, source: Uint8Array, mtu: number): Uint8Array {
  const [type, code] = messages6[cause];
  const whole = ip.subarray(0, 40 + viewOf(ip).getUint16(4));
  const message = concat(Uint8Array.of(type, code, 0, 0, 0, 0, 0, 0), whole.subarray(0, mostBytes[6] - 48));
  if (cause === "tooBig") viewOf(message).setUint32(4, mtu);
  return icmpv6(source, ip.subarray(8, 24), 64, message);
}

/**
 * The frame that tells the sender of a frame what is wrong with it, out of the port that it came in on; undefined where
 * nothing may be said. `mtu` is for what is too big.
 */
export function icmpError(
  frame: Uint8Array,
  cause: ErrorCause,
  at: { readonly port: RouterPort; readonly ports: readonly RouterPort[]; readonly mtu?: number },
): Uint8Array | undefined {
  const ip = frame.subarray(linkHeader);
  const isIpv4 = viewOf(frame).getUint16(12) === etherTypes.ipv4;
  if (!(isIpv4 ? mayAnswer4(ip) : mayAnswer6(ip))) return undefined;
  const source = addressFor(isIpv4 ? ip.subarray(12, 16) : ip.subarray(8, 24), at.port, at.ports);
  if (!source) return undefined;
  const packet = (isIpv4 ? error4 : error6)(ip, cause, source, at.mtu ?? 0);
  return ethernet(frame.subarray(6, 12), at.port.mac, isIpv4 ? etherTypes.ipv4 : etherTypes.ipv6, packet);
}
