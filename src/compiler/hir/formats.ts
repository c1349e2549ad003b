import type { ValueFormat } from "./tree.ts";

/** An address as one integer, and for CIDR blocks the length of the prefix in bits. */
export interface Formatted {
  readonly address: bigint;
  readonly length?: bigint;
}

/** What a format looks like, for messages and schemas. */
export const formatExamples: Readonly<Record<ValueFormat, string>> = {
  ipv4: "192.0.2.1",
  ipv6: "2001:db8::1",
  mac: "02:00:00:00:00:01",
  cidr4: "192.0.2.0/24",
  cidr6: "2001:db8::/32",
};

/** Reads a value in one of the forms that people write; undefined when it does not have that form. */
export function parseFormat(format: ValueFormat, text: string): Formatted | undefined {
  switch (format) {
    case "ipv4":
      return plain(parseIpv4(text));
    case "ipv6":
      return plain(parseIpv6(text));
    case "mac":
      return plain(parseMac(text));
    case "cidr4":
      return parseCidr(text, parseIpv4, 32);
    case "cidr6":
      return parseCidr(text, parseIpv6, 128);
  }
}

/** The canonical text of a value; the inverse of `parseFormat`. IPv6 as RFC 5952 wants it. */
export function printFormat(format: ValueFormat, value: Formatted): string {
  switch (format) {
    case "ipv4":
      return printIpv4(value.address);
    case "ipv6":
      return printIpv6(value.address);
    case "mac":
      return hexGroups(value.address, 6, 8n).join(":");
    case "cidr4":
      return `${printIpv4(value.address)}/${value.length ?? 32n}`;
    case "cidr6":
      return `${printIpv6(value.address)}/${value.length ?? 128n}`;
  }
}

function plain(address: bigint | undefined): Formatted | undefined {
  return address === undefined ? undefined : { address };
}

function parseIpv4(text: string): bigint | undefined {
  if (!/^(\d{1,3})(\.\d{1,3}){3}$/.test(text)) return undefined;
  const parts = text.split(".");
  // A leading zero reads as octal to some programs and as decimal to others (RFC 6943, 3.1.1).
  if (parts.some((part) => Number(part) > 255 || (part.length > 1 && part.startsWith("0")))) return undefined;
  return parts.reduce((address, part) => (address << 8n) | BigInt(part), 0n);
}

function parseMac(text: string): bigint | undefined {
  if (!/^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(text)) return undefined;
  return BigInt(`0x${text.replace(/[:-]/g, "")}`);
}

function parseIpv6(text: string): bigint | undefined {
  const embedded = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (embedded) {
    const low = parseIpv4(embedded[2]!);
    if (low === undefined) return undefined;
    return parseIpv6(`${embedded[1]}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`);
  }
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head = [], tail = []] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array<string>(halves.length === 1 ? 0 : missing).fill("0"), ...tail];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return groups.reduce((address, group) => (address << 16n) | BigInt(`0x${group}`), 0n);
}

function parseCidr(
  text: string,
  parseAddress: (text: string) => bigint | undefined,
  bits: number,
): Formatted | undefined {
  const found = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text);
  const address = found ? parseAddress(found[1]!) : undefined;
  const length = found?.[2] === undefined ? bits : Number(found[2]);
  return address === undefined || length > bits ? undefined : { address, length: BigInt(length) };
}

function printIpv4(address: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (address >> shift) & 0xffn).join(".");
}

function hexGroups(address: bigint, count: number, bits: bigint): string[] {
  const digits = bits === 8n ? 2 : 1;
  return Array.from({ length: count }, (_, index) =>
    ((address >> (BigInt(count - 1 - index) * bits)) & ((1n << bits) - 1n)).toString(16).padStart(digits, "0"),
  );
}

function printIpv6(address: bigint): string {
  const groups = hexGroups(address, 8, 16n);
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (groups[start + length] === "0") length++;
    if (length > best.length) best = { start, length };
  }
  if (best.start < 0) return groups.join(":");
  return `${groups.slice(0, best.start).join(":")}::${groups.slice(best.start + best.length).join(":")}`;
}
