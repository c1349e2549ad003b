import { viewOf } from "./octets.ts";

/** `02:00:00:00:00:01`. Undefined if `text` is not a MAC address. */
export function parseMac(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[0-9a-f]{1,2}(?::[0-9a-f]{1,2}){5}$/i.test(text)) return undefined;
  return Uint8Array.from(text.split(":"), (part) => Number.parseInt(part, 16));
}

export function formatMac(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** Four decimal numbers without leading zeros. */
export function parseIpv4(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = new Uint8Array(4);
  let at = 0;
  for (let index = 0; index < 4; index++) {
    if (index > 0 && text[at++] !== ".") return undefined;
    const start = at;
    let value = 0;
    for (let digit = digitAt(text, at); digit !== undefined && value <= 255; digit = digitAt(text, ++at))
      value = 10 * value + digit;
    const isGood = at > start && value <= 255 && (at === start + 1 || text[start] !== "0");
    if (!isGood) return undefined;
    bytes[index] = value;
  }
  return at === text.length ? bytes : undefined;
}

function digitAt(text: string, index: number): number | undefined {
  const digit = text.charCodeAt(index) - 48;
  return digit >= 0 && digit <= 9 ? digit : undefined;
}

export function formatIpv4(bytes: Uint8Array): string {
  return bytes.join(".");
}

/** RFC 4291 section 2.2, with `::` and an IPv4 tail. */
export function parseIpv6(text: string): Uint8Array<ArrayBuffer> | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(words);
  if (!head || (halves.length === 2 && !tail)) return undefined;
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const bytes = new Uint8Array(16);
  const all = [...head, ...new Array<number>(missing).fill(0), ...(tail ?? [])];
  for (const [index, word] of all.entries()) viewOf(bytes).setUint16(index * 2, word);
  return bytes;
}

/** The 16-bit words of one side of a `::`. */
function words(text: string): number[] | undefined {
  if (text === "") return [];
  const parts = text.split(":");
  const last = parts.at(-1)!.includes(".") ? parseIpv4(parts.pop()!) : new Uint8Array(0);
  if (!last || !parts.every((part) => /^[0-9a-f]{1,4}$/i.test(part))) return undefined;
  const tail = last.length === 4 ? [(last[0]! << 8) | last[1]!, (last[2]! << 8) | last[3]!] : [];
  return [...parts.map((part) => Number.parseInt(part, 16)), ...tail];
}

/** The canonical text of RFC 5952: lower case, the longest run of two or more zero words as `::`. */
export function formatIpv6(bytes: Uint8Array): string {
  const view = viewOf(bytes);
  const text = Array.from({ length: 8 }, (_, index) => view.getUint16(index * 2).toString(16)).join(":");
  const runs = [...text.matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].map((match) => match[0]);
  const length = (run: string) => run.split("0").length;
  const longest = runs.reduce((best, run) => (length(run) > length(best) ? run : best), "");
  if (longest === "") return text;
  const at = text.indexOf(longest);
  return `${text.slice(0, at)}::${text.slice(at + longest.length).replace(/^:/, "")}`;
}
