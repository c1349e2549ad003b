/**
 * What host mode does with a frame, without regard to speed: the reference that kernel code is held against. The
 * kernel's routing is a question that the caller answers.
 */
import { internetChecksum } from "../../capture/checksum.ts";
import { isLinkLocal, isNoHost } from "./addresses.ts";
import { concat, etherTypes, linkHeader, viewOf } from "./frames.ts";
import { same, withTtl } from "./model.ts";

/** What is asked of the kernel's routing. */
export interface RoutingQuestion {
  /** Index of the device that the packet came in on. */
  readonly device: number;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly length: number;
}

export type RoutingAnswer =
  | { readonly kind: "forward"; readonly device: number; readonly macs: readonly [from: Uint8Array, to: Uint8Array] }
  | { readonly kind: "noNeighbour"; readonly device: number }
  | { readonly kind: "other"; readonly result: RoutingRefusal };

export type RoutingRefusal =
  | "blackhole"
  | "unreachable"
  | "prohibited"
  | "localOrNoRoute"
  | "forwardingDisabled"
  | "tunnel"
  | "tooBig"
  | "deviceGone";

export type LeftReason =
  | RoutingRefusal
  | "noNeighbour"
  | "notForRouter"
  | "header"
  | "address"
  | "hopLimit"
  | "otherDevice"
  | "neighbourCheck"
  | "sourceCheck";

export type HostModeOutcome =
  | { readonly kind: "forward"; readonly port: number; readonly frame: Uint8Array }
  | { readonly kind: "drop"; readonly reason: "blackhole" }
  /** To the kernel's stack. */
  | { readonly kind: "left"; readonly why: LeftReason };

export interface HostModePort {
  readonly number: number;
  readonly mac: Uint8Array;
  readonly device: number;
}

export interface HostModeWorld {
  readonly ports: readonly HostModePort[];
  readonly sourceCheck: "none" | "loose" | "strict";
  ask(question: RoutingQuestion): RoutingAnswer;
}

const left = (why: LeftReason): HostModeOutcome => ({ kind: "left", why });

export function hostMode(world: HostModeWorld, port: HostModePort, frame: Uint8Array): HostModeOutcome {
  if (frame.length < linkHeader || !same(frame.subarray(0, 6), port.mac)) return left("notForRouter");
  const ip = frame.subarray(linkHeader);
  switch (viewOf(frame).getUint16(12)) {
    case etherTypes.ipv4:
      return ipv4(world, port, { frame, ip });
    case etherTypes.ipv6:
      return ipv6(world, port, { frame, ip });
    default:
      return left("notForRouter");
  }
}

interface Arrived {
  readonly frame: Uint8Array;
  readonly ip: Uint8Array;
}

function ipv4(world: HostModeWorld, port: HostModePort, { frame, ip }: Arrived): HostModeOutcome {
  if (ip.length < 20 || ip[0] !== 0x45 || internetChecksum(ip.subarray(0, 20)) !== 0) return left("header");
  const length = viewOf(ip).getUint16(2);
  if (length < 20 || length > ip.length) return left("header");
  const ends = [ip.slice(12, 16), ip.slice(16, 20)] as const;
  if (ends.some(isNoHost)) return left("address");
  if (ip[8]! < 2) return left("hopLimit");
  return transit(world, port, { frame, ends, length, changed: () => withTtl(ip.slice(), 20, ip[8]! - 1) });
}

function ipv6(world: HostModeWorld, port: HostModePort, { frame, ip }: Arrived): HostModeOutcome {
  // Hop-by-hop options: 0.
  if (ip.length < 40 || ip[0]! >> 4 !== 6 || ip[6] === 0) return left("header");
  const length = 40 + viewOf(ip).getUint16(4);
  if (length > ip.length) return left("header");
  const ends = [ip.slice(8, 24), ip.slice(24, 40)] as const;
  if (ends.some((end) => isNoHost(end) || isLinkLocal(end))) return left("address");
  if (ip[7]! < 2) return left("hopLimit");
  const changed = (): Uint8Array => ip.map((byte, index) => (index === 7 ? byte - 1 : byte));
  return transit(world, port, { frame, ends, length, changed });
}

interface Transit {
  readonly frame: Uint8Array;
  readonly ends: readonly [source: Uint8Array, destination: Uint8Array];
  readonly length: number;
  /** The IP packet as it goes on. */
  changed(): Uint8Array;
}

function transit(world: HostModeWorld, { device }: HostModePort, packet: Transit): HostModeOutcome {
  const { frame, ends, length } = packet;
  const [from, to] = ends;
  if (world.sourceCheck !== "none") {
    const back = world.ask({ device, source: to, destination: from, length: 0 });
    if (back.kind === "other" || (world.sourceCheck === "strict" && back.device !== device)) return left("sourceCheck");
  }
  const answer = world.ask({ device, source: from, destination: to, length });
  if (answer.kind === "noNeighbour") return left("noNeighbour");
  if (answer.kind === "other")
    return answer.result === "blackhole" ? { kind: "drop", reason: "blackhole" } : left(answer.result);
  const out = world.ports.find((port) => port.device === answer.device);
  if (!out) return left("otherDevice");
  const [own, next] = answer.macs;
  return { kind: "forward", port: out.number, frame: concat(next, own, frame.subarray(12, 14), packet.changed()) };
}
