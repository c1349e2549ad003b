import type { Arp } from "./protocols/arp.ts";
import type { Dns } from "./protocols/dns.ts";
import type { Ethernet } from "./protocols/ethernet.ts";
import type { Icmp } from "./protocols/icmp.ts";
import type { Icmp6 } from "./protocols/icmp6.ts";
import type { Ipv4 } from "./protocols/ipv4.ts";
import type { Ipv6 } from "./protocols/ipv6.ts";
import type { Fragment, OptionsHeader, Routing } from "./protocols/ipv6-extensions.ts";
import type { Pad, Payload, Trailer } from "./protocols/payload.ts";
import type { Tcp } from "./protocols/tcp.ts";
import type { Udp } from "./protocols/udp.ts";
import type { Vlan } from "./protocols/vlan.ts";
import type { Vxlan } from "./protocols/vxlan.ts";
import type { Words } from "./words.ts";

/**
 * One layer of a packet as plain data. Fields that follow from the rest (lengths, checksums, the number of the next
 * protocol) are optional: left out, the encoder computes them; given, they are written as they are.
 */
export type Layer =
  | Ethernet
  | Vlan
  | Arp
  | Ipv4
  | Ipv6
  | OptionsHeader<"hop-by-hop">
  | OptionsHeader<"dest-opts">
  | Routing
  | Fragment
  | Tcp
  | Udp
  | Icmp
  | Icmp6
  | Vxlan
  | Dns
  | Payload
  | Pad
  | Trailer;

export type LayerKind = Layer["kind"];

/** What surrounds a layer. */
export interface Surroundings {
  /** The layers outside it, outermost first. */
  readonly outer: readonly Layer[];
  /** The layer inside it. */
  readonly next: Layer | undefined;
}

/** What the start of some bytes says when they are read as a certain layer. */
export interface Dissected<L> {
  /** All fields given, those that could be computed too. */
  readonly layer: L;
  readonly headerLength: number;
  /** Bytes of header and content, at most what there is; what lies beyond is a trailer. */
  readonly length: number;
  /** The kind of the content; undefined if it is not known. */
  readonly next: LayerKind | undefined;
}

/** All that there is to know about one kind of layer. */
export interface Protocol<L> {
  /** The words after the layer's name. */
  parse(words: Words): L;
  /** The layer with its content. */
  encode(layer: L, content: Uint8Array, around: Surroundings): Uint8Array;
  /** Undefined if the bytes are too short or hold what the layer's fields cannot say. */
  dissect?(bytes: Uint8Array, outer: readonly Layer[]): Dissected<L> | undefined;
  format(layer: L, options: FormatOptions): string;
  /** The fields that the encoder computes when they are left out, outermost meaning first. */
  readonly derived: readonly (keyof L)[];
}

export interface FormatOptions {
  /** Write payloads out, so that the text builds the same bytes again; otherwise long ones are cut. */
  readonly full: boolean;
}

/** The words with what is there: empty texts and undefined fall out. */
export function joinWords(...parts: readonly (string | undefined | false)[]): string {
  return parts.filter((part) => part).join(" ");
}

/** `name value` unless the value is the default or left out. */
export function field(name: string, value: number | undefined, fallback?: number): string {
  return value === undefined || value === fallback ? "" : `${name} ${value}`;
}

/** As {@link field}, in hexadecimal of that many digits. */
export function hexField(name: string, value: number | undefined, digits: number, fallback?: number): string {
  return value === undefined || value === fallback ? "" : `${name} 0x${value.toString(16).padStart(digits, "0")}`;
}
