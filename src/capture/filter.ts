import { IovisorError } from "../errors.ts";
import { parseIpv4, parseIpv6 } from "./address.ts";

export type Side = "source" | "destination" | "either";

/** An address with how many of its bits count. */
export interface FilterAddress {
  readonly side: Side;
  /** 4 or 16 bytes; bits behind the prefix are 0. */
  readonly bytes: Uint8Array;
  readonly prefix: number;
}

/** What a packet must be to be let through: all of it. */
export interface PacketFilter {
  /** Number of the VLAN, or any. */
  readonly vlan?: number | "any";
  /** Behind VLAN tags. */
  readonly etherType?: number;
  readonly addresses: readonly FilterAddress[];
  /** Of IP. */
  readonly protocol?: number;
  /** Of TCP, UDP or SCTP. */
  readonly ports: readonly { readonly side: Side; readonly port: number }[];
}

export const etherTypes = { ip: 0x0800, arp: 0x0806, ip6: 0x86dd } as const;
export const protocols = { icmp: 1, tcp: 6, udp: 17, icmp6: 58, sctp: 132 } as const;

const remedy =
  'join terms that must all hold: ip, ip6, arp, tcp, udp, icmp, icmp6, sctp, an address ("10.0.0.0/8"), a port after ' +
  '"tcp" or "udp", "port 53", "src" or "dst" in front of an address or "port", "vlan 10", "proto 47", "type 0x88cc"';

/**
 * Reads a filter such as "ip 10.0.0.1 tcp 443" or "src 10.0.0.0/8 udp dst port 53": terms that must all hold; "and"
 * between them, and "host" or "net" in front of an address, may be there.
 *
 * @throws E_USAGE with what was not understood
 */
export function parseFilter(text: string): PacketFilter {
  const reader = new FilterReader(text);
  while (!reader.done) reader.term();
  return reader.filter();
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

class FilterReader {
  readonly #words: readonly string[];
  readonly #text: string;
  readonly #addresses: FilterAddress[] = [];
  readonly #ports: { readonly side: Side; readonly port: number }[] = [];
  readonly #single: Mutable<Pick<PacketFilter, "vlan" | "etherType" | "protocol">> = {};
  readonly #terms: Readonly<Record<string, () => void>> = {
    ip: () => this.#is("etherType", etherTypes.ip),
    ip6: () => this.#is("etherType", etherTypes.ip6),
    arp: () => this.#is("etherType", etherTypes.arp),
    icmp: () => this.#protocol("icmp"),
    icmp6: () => this.#protocol("icmp6"),
    tcp: () => this.#transport("tcp"),
    udp: () => this.#transport("udp"),
    sctp: () => this.#transport("sctp"),
    vlan: () => this.#is("vlan", isNumber(this.#peek) ? this.#number("a VLAN", 4095) : "any"),
    proto: () => this.#is("protocol", this.#number("a protocol", 255)),
    type: () => this.#is("etherType", this.#number("an Ethernet type", 0xffff)),
    port: () => this.#port("either"),
    src: () => this.#sided("source"),
    dst: () => this.#sided("destination"),
    host: () => this.#address("either", this.#take("an address")),
    net: () => this.#address("either", this.#take("an address")),
  };
  #next = 0;

  constructor(text: string) {
    this.#text = text;
    this.#words = text.split(/\s+/).filter((word) => word !== "" && word !== "and");
  }

  get done(): boolean {
    return this.#next >= this.#words.length;
  }

  filter(): PacketFilter {
    return { ...this.#single, addresses: this.#addresses, ports: this.#ports };
  }

  term(): void {
    const word = this.#take("a term");
    const known = Object.hasOwn(this.#terms, word) ? this.#terms[word] : undefined;
    if (known) known();
    else this.#address("either", word);
  }

  #sided(side: Side): void {
    const word = this.#take('an address or "port"');
    if (word === "port") this.#port(side);
    else this.#address(side, word === "host" || word === "net" ? this.#take("an address") : word);
  }

  #protocol(name: keyof typeof protocols): void {
    if (name === "icmp") this.#is("etherType", etherTypes.ip);
    if (name === "icmp6") this.#is("etherType", etherTypes.ip6);
    this.#is("protocol", protocols[name]);
  }

  #transport(name: "tcp" | "udp" | "sctp"): void {
    this.#protocol(name);
    if (isNumber(this.#peek)) this.#port("either");
  }

  #port(side: Side): void {
    this.#ports.push({ side, port: this.#number("a port", 65535) });
  }

  #address(side: Side, text: string): void {
    const [address = "", length] = text.split("/", 2);
    const bytes = parseIpv4(address) ?? parseIpv6(address);
    if (!bytes) throw this.#fault(`"${text}" is no term and no address`);
    const bits = bytes.length * 8;
    const prefix = length === undefined ? bits : Number(length);
    if (!/^\d*$/.test(length ?? "") || length === "" || prefix > bits) {
      throw this.#fault(`"/${length}" is no prefix length, 0 to ${bits}`);
    }
    this.#is("etherType", bytes.length === 4 ? etherTypes.ip : etherTypes.ip6);
    this.#addresses.push({ side, bytes: masked(bytes, prefix), prefix });
  }

  #is<K extends "vlan" | "etherType" | "protocol">(key: K, value: NonNullable<PacketFilter[K]>): void {
    const known = this.#single[key];
    if (known !== undefined && known !== value) throw this.#fault("no packet can be all of it");
    this.#single[key] = value;
  }

  get #peek(): string {
    return this.#words[this.#next] ?? "";
  }

  #take(what: string): string {
    if (this.done) throw this.#fault(`expected ${what} at its end`);
    return this.#words[this.#next++]!;
  }

  #number(what: string, most: number): number {
    const word = this.#take(what);
    const value = isNumber(word) ? Number(word) : Number.NaN;
    if (value <= most) return value;
    throw this.#fault(`expected ${what}, 0 to ${most}, found "${word}"`);
  }

  #fault(message: string): IovisorError {
    return new IovisorError("E_USAGE", `filter "${this.#text}": ${message}`, remedy);
  }
}

function isNumber(text: string): boolean {
  return /^(?:0x[0-9a-f]+|\d+)$/i.test(text);
}

function masked(bytes: Uint8Array, prefix: number): Uint8Array {
  return bytes.map((byte, index) => byte & (0xff00 >> Math.min(8, Math.max(0, prefix - index * 8))) & 0xff);
}
