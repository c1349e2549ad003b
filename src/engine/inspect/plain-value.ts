import type { Layout } from "../../compiler/hir/layout.ts";
import type { HostValue } from "../codec.ts";

/** A value as JSON can show it, but for integers of 64 bits, which stay bigints. Bytes are hexadecimal digits. */
export type PlainValue =
  | number
  | bigint
  | boolean
  | string
  | readonly PlainValue[]
  | { readonly [field: string]: PlainValue };

export function plainValue(value: HostValue): PlainValue {
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plainValue(inner)]));
  }
  return value as number | bigint | boolean;
}

/** Six bytes are a MAC address to everybody. */
function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(bytes.length === 6 ? ":" : "");
}

/**
 * What JSON says for a layout, as the layout's codec takes it: digits for integers, hexadecimal digits for bytes, an
 * IPv4 address for 32 bits in network order. What does not fit is left as it is, for the codec to refuse.
 */
export function hostValueOf(layout: Layout, value: unknown): unknown {
  switch (layout.kind) {
    case "integer":
      return integerOf(value, layout.bits === 32 && layout.order === "big");
    case "bits":
      return integerOf(value, false);
    case "bytes":
      return typeof value === "string" ? bytesOf(value) : value;
    case "array":
      return Array.isArray(value) ? value.map((item) => hostValueOf(layout.element, item)) : value;
    case "struct":
    case "union": {
      if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
      const layouts = new Map(layout.fields.map((field) => [field.name, field.layout]));
      return Object.fromEntries(
        Object.entries(value).map(([name, inner]) => {
          const known = layouts.get(name);
          return [name, known ? hostValueOf(known, inner) : inner];
        }),
      );
    }
    case "bool":
    case "opaque":
      return value;
  }
}

function integerOf(value: unknown, address: boolean): unknown {
  if (typeof value !== "string") return value;
  if (/^(-?\d{1,20}|0x[0-9a-f]{1,16})$/i.test(value)) return BigInt(value);
  const parts = address && /^\d{1,3}(\.\d{1,3}){3}$/.test(value) ? value.split(".").map(Number) : [];
  if (parts.length !== 4 || parts.some((part) => part > 255)) return value;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

function bytesOf(text: string): unknown {
  const digits = text.replaceAll(":", "");
  if (digits.length % 2 === 1 || !/^[0-9a-f]*$/i.test(digits)) return text;
  return new Uint8Array(Buffer.from(digits, "hex"));
}
