import type { verdict } from "./brands.js";
import type { Bytes } from "./layouts.js";
import type { Program } from "./packet.js";
import type { u16, u32 } from "./scalars.js";

/** Whether a connection may be made: `Allow` or `Deny`. */
export interface ConnectVerdict {
  readonly [verdict]: "connect";
}

/** Lets the connection be made. */
export declare const Allow: ConnectVerdict;
/** Refuses the connection: connect() gives EPERM. */
export declare const Deny: ConnectVerdict;

/** A socket that is about to connect. */
export interface ConnectingSocket {
  /** AF_INET is 2, AF_INET6 is 10. */
  readonly family: u32;
  /** SOCK_STREAM is 1, SOCK_DGRAM is 2. */
  readonly type: u32;
  /** IPPROTO_TCP is 6, IPPROTO_UDP is 17. */
  readonly protocol: u32;
  /** The port that it connects to, in host order. */
  readonly port: u16;
}

/** A socket that is about to connect over IPv4. */
export interface ConnectingSocket4 extends ConnectingSocket {
  /** The address that it connects to, in host order. */
  readonly address: u32;
}

/** A socket that is about to connect over IPv6. */
export interface ConnectingSocket6 extends ConnectingSocket {
  /** The address that it connects to. */
  readonly address: Bytes<16>;
}

/** Decides about connections (and connected UDP sockets) of a cgroup's processes over IPv4. Linux 4.17. */
export declare function onConnect4(handler: (socket: ConnectingSocket4) => ConnectVerdict): Program<"cgroupConnect4">;
/** The same over IPv6. */
export declare function onConnect6(handler: (socket: ConnectingSocket6) => ConnectVerdict): Program<"cgroupConnect6">;
