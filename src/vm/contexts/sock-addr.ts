import type { WritableRanges } from "./plain.ts";

/** Where the program is attached: which fields it may write depends on it (sock_addr_is_valid_access). */
export type SockAddrAttach =
  | "connect4"
  | "connect6"
  | "bind4"
  | "bind6"
  | "sendmsg4"
  | "sendmsg6"
  | "recvmsg4"
  | "recvmsg6"
  | "getpeername4"
  | "getpeername6"
  | "getsockname4"
  | "getsockname6";

export interface SockAddrInput {
  readonly attach: SockAddrAttach;
  /** 4 or 16 bytes in network order. */
  readonly address: Uint8Array;
  readonly port: number;
  /** SOCK_STREAM 1 (the default), SOCK_DGRAM 2. */
  readonly type?: number;
  /** IPPROTO_TCP 6 (the default), IPPROTO_UDP 17. */
  readonly protocol?: number;
}

/** Offsets in `struct bpf_sock_addr` (include/uapi/linux/bpf.h); 72 bytes. */
const Field = {
  userFamily: 0,
  userIp4: 4,
  userIp6: 8,
  userPort: 24,
  family: 28,
  type: 32,
  protocol: 36,
  messageIp4: 40,
  messageIp6: 44,
} as const;
const SIZE = 72;
const AF_INET = 2;
const AF_INET6 = 10;

/** `struct bpf_sock_addr` with those fields; addresses and the port in network byte order. */
export function encodeSockAddr(input: SockAddrInput): Uint8Array {
  const bytes = new Uint8Array(SIZE);
  const view = new DataView(bytes.buffer);
  const family = isIpv6(input.attach) ? AF_INET6 : AF_INET;
  view.setUint32(Field.userFamily, family, true);
  bytes.set(input.address, addressField(input.attach));
  view.setUint16(Field.userPort, input.port);
  view.setUint32(Field.family, family, true);
  view.setUint32(Field.type, input.type ?? 1, true);
  view.setUint32(Field.protocol, input.protocol ?? 6, true);
  return bytes;
}

/** The address and port that the program left. */
export function decodeSockAddr(bytes: Uint8Array, attach: SockAddrAttach): { address: Uint8Array; port: number } {
  const start = addressField(attach);
  const address = bytes.slice(start, start + (isIpv6(attach) ? 16 : 4));
  return { address, port: new DataView(bytes.buffer, bytes.byteOffset).getUint16(Field.userPort) };
}

/** The address and the port; for sendmsg the source address too. */
export function sockAddrWritable(attach: SockAddrAttach): WritableRanges {
  const address = isIpv6(attach) ? ([Field.userIp6, 16] as const) : ([Field.userIp4, 4] as const);
  const source = isIpv6(attach) ? ([Field.messageIp6, 16] as const) : ([Field.messageIp4, 4] as const);
  const port = [Field.userPort, 4] as const;
  return attach.startsWith("sendmsg") ? [address, port, source] : [address, port];
}

function addressField(attach: SockAddrAttach): number {
  return isIpv6(attach) ? Field.userIp6 : Field.userIp4;
}

function isIpv6(attach: SockAddrAttach): boolean {
  return attach.endsWith("6");
}
