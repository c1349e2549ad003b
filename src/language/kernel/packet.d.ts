import type { programKind, verdict } from "./brands.js";
import type { Bytes, Layout, View } from "./layouts.js";
import type { BoolScalar, Scalar, u8, u16, u32 } from "./scalars.js";

/** What becomes of a packet: `Pass`, `Drop`, `transmit()`, `redirect(ifindex)` or `devices.redirect(key)`. */
export interface Verdict {
  readonly [verdict]: "packet";
}

/** Hands the packet to what comes next: another program, then the kernel's own stack. */
export declare const Pass: Verdict;
/** Discards the packet. */
export declare const Drop: Verdict;
/** Sends the packet out of the device that it came in on. */
export declare function transmit(): Verdict;
/** Sends the packet out of the device with this interface index. */
export declare function redirect(ifindex: number): Verdict;

/** How a checksum is updated, for `replaceChecksum`. */
export type ChecksumOptions = HeaderChecksum | TransportChecksum;

/** The checksum of an IPv4 header. */
export interface HeaderChecksum {
  readonly layer: 3;
  /** Bytes of the field that changed. */
  readonly size: 2 | 4;
}

/** The checksum of a transport protocol (TCP, UDP, ICMP), which a device may still have to complete. */
export interface TransportChecksum {
  readonly layer: 4;
  /** Bytes of the field that changed. */
  readonly size: 2 | 4;
  /** The checksum also covers the pseudo header (TCP, UDP, ICMPv6), and the field that changed is part of that. */
  readonly pseudoHeader?: boolean;
  /** A checksum of 0 means that there is none (UDP over IPv4): it is left alone. */
  readonly zeroMeansNone?: boolean;
}

/** What of a `FibLookup` the compiler goes by; `iovisor/kernel/headers` has the whole of it. */
export interface FibParameters {
  family: u8;
  ifindex: u32;
  sourceMac: Bytes<6>;
  destinationMac: Bytes<6>;
}

/** How the kernel looks up a route, for `fibLookup`. */
export interface FibOptions {
  /** In the table of the device (the main one, or that of its VRF), whatever rules of routing say. */
  readonly direct?: boolean;
  /** As for a packet that leaves by the device `ifindex`, not one that came in on it. */
  readonly output?: boolean;
  /** Without asking for MAC addresses: those of the answer stay as they are. Linux 6.3. */
  readonly skipNeighbour?: boolean;
}

/** The packet that a program handles, from its link-layer header on. One API for XDP and TCX. */
export interface Packet {
  /** Length in bytes, without frame check sequence. */
  readonly length: u32;
  /** Index of the device it came in on; 0 for packets of this host at egress. */
  readonly ingressIfindex: u32;
  /** The receive queue it came in on. */
  readonly queue: u32;
  /**
   * Bytes of payload in each segment of a packet that the stack joined, or that a device is to cut up (GSO): it is
   * longer than any frame. 0 for other packets, and at XDP.
   */
  readonly gsoSize: u32;
  /** The number of the instance's port that it came in on, in a graph. */
  readonly port: u32;
  /** VLAN tag control information that the device took out of the frame; always absent at XDP. */
  readonly vlanTag: u16 | undefined;
  /** EtherType of that tag: `EtherType.vlan`, or `EtherType.serviceVlan` (802.1ad); always absent at XDP. */
  readonly vlanProtocol: u16 | undefined;
  /**
   * A view of a layout at a byte offset, absent when the packet is shorter. Reads and writes go to the packet. A
   * scalar's view has its value in `value`.
   *
   * @example
   * const ip = packet.at(Ethernet.size, Ipv4);
   * if (ip?.protocol !== IpProtocol.tcp) return Pass;
   */
  at<T>(offset: number, layout: Layout<T> | Scalar<T>): View<T> | undefined;
  at(offset: number, layout: BoolScalar): View<boolean> | undefined;
  /** Cuts or extends the packet at its end. False when it cannot be done. All views are stale afterwards. */
  setLength(length: number): boolean;
  /**
   * Inserts (positive) or removes (negative) bytes behind the Ethernet header. `delta` is a constant. False when it
   * cannot be done. All views are stale afterwards.
   */
  adjustRoom(delta: number): boolean;
  /**
   * Puts a tag with this tag control information behind the MAC addresses: an 802.1Q tag, or with
   * `EtherType.serviceVlan` an 802.1ad one. The protocol is a constant. All views are stale afterwards.
   */
  pushVlan(tagControl: number, protocol?: 0x8100 | 0x88a8): boolean;
  /** Takes the outermost tag off, 802.1Q or 802.1ad. False when there is none. All views are stale afterwards. */
  popVlan(): boolean;
  /**
   * Asks the kernel's routing where it would forward a packet to: `lookup` is a `FibLookup` of this program, whose
   * fields say what the packet is like. With `FibResult.success` it then has the device that the packet is to leave by
   * and the MAC addresses for that. The result is a `FibResult`, or a negative error number as a u32 where fields make
   * no sense: the device `ifindex` is not there. The packet itself stays as it is.
   */
  fibLookup(lookup: FibParameters, options?: FibOptions): u32;
  /**
   * Updates the Internet checksum at a byte offset after a field that it covers changed from one value (in host order)
   * to another (RFC 1624). Right also where the device computes checksums. All views are stale afterwards. False when
   * the packet ends before it, or when the offset is odd: checksums of IP protocols lie at even ones.
   */
  replaceChecksum(offset: number, from: number, to: number, options: ChecksumOptions): boolean;
}

/** A program of some kind. Export it; its export's name is its name. */
export interface Program<Kind extends string> {
  readonly [programKind]: Kind;
}

/** A program that handles packets, at `xdp`, `tcx-ingress` or `tcx-egress`. */
export declare function onPacket(handler: (packet: Packet) => Verdict): Program<"packet">;
