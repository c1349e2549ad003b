import type { Layout } from "../../compiler/hir/layout.ts";

/** A value and how to show it. */
export interface Field {
  /** Empty for a value that is no struct. */
  readonly name: string;
  readonly layout: Layout;
  readonly value: unknown;
}

/** The fields of a struct's value, those of structs inside with dotted names; any other value is one field. */
export function fieldsOf(layout: Layout, value: unknown, name = ""): Field[] {
  if (layout.kind !== "struct" && layout.kind !== "union") return [{ name, layout, value }];
  const record = value as Readonly<Record<string, unknown>>;
  return layout.fields
    .filter((field) => field.layout.kind !== "opaque")
    .flatMap((field) => fieldsOf(field.layout, record[field.name], name ? `${name}.${field.name}` : field.name));
}

/** Names that a 32-bit integer in network order goes by when it is an address; without a name it is one, too. */
const addressName = /^$|addr|source|destination|gateway|hop|^(s|d)?ip$|^(src|dst|from|to|client|server|backend|host)$/i;
const longestArray = 8;

/** A value for people. What bytes are is guessed: text, a MAC address, an IPv6 address, else hexadecimal digits. */
export function formatField({ name, layout, value }: Field): string {
  if (layout.kind === "integer" && layout.order === "big" && layout.bits === 32 && typeof value === "number") {
    return addressName.test(lastName(name)) ? dottedQuad(value) : String(value);
  }
  if (value instanceof Uint8Array) return formatBytes(value, lastName(name));
  if (Array.isArray(value) && layout.kind === "array") {
    const shown = value.slice(0, longestArray).map((one) => formatValue(layout.element, one));
    return `[${shown.join(" ")}${value.length > longestArray ? ` ... ${value.length} elements` : ""}]`;
  }
  return String(value);
}

/** A whole value in one line: a struct as `name=value name=value`. */
export function formatValue(layout: Layout, value: unknown): string {
  return fieldsOf(layout, value)
    .map((field) => (field.name === "" ? formatField(field) : `${field.name}=${formatField(field)}`))
    .join(" ");
}

function lastName(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

function dottedQuad(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");
}

function formatBytes(bytes: Uint8Array, name: string): string {
  const text = zeroTerminatedText(bytes);
  if (text !== undefined) return text;
  if (bytes.length === 6) return hex(bytes).join(":");
  if (bytes.length === 4 && addressName.test(name)) return [...bytes].join(".");
  if (bytes.length === 16 && addressName.test(name)) return ipv6(bytes);
  return hex(bytes).join("");
}

/** Printable characters up to the first zero, and nothing but zeros behind it. */
function zeroTerminatedText(bytes: Uint8Array): string | undefined {
  if (bytes.length < 8) return undefined;
  const end = bytes.indexOf(0);
  const text = bytes.subarray(0, end < 0 ? bytes.length : end);
  const printable = text.length > 0 && text.every((byte) => byte >= 0x20 && byte < 0x7f);
  return printable ? Buffer.from(text).toString("latin1") : undefined;
}

function hex(bytes: Uint8Array): string[] {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0"));
}

/** RFC 5952: the longest run of zero groups is left out. */
function ipv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((bytes[index * 2]! << 8) | bytes[index * 2 + 1]!).toString(16),
  );
  const runs = [...groups.join(":").matchAll(/(?<![^:])0(:0)+(?![^:])/g)].map((match) => match[0]);
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), "");
  const text = groups.join(":");
  if (longest === "") return text;
  const at = text.search(new RegExp(`(?<![^:])${longest}(?![^:])`));
  const [before, after] = [text.slice(0, at).replace(/:$/, ""), text.slice(at + longest.length).replace(/^:/, "")];
  return `${before}::${after}`;
}
