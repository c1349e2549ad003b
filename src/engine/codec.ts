import { type BitsLayout, type Field, type IntegerLayout, type Layout, sizeOf } from "../compiler/hir/layout.ts";
import { IovisorError } from "../errors.ts";
import { showValue } from "./show-value.ts";
import { structDecoder } from "./struct-decoder.ts";

/**
 * What a layout's value is on the host: integers below 64 bits are numbers, those of 64 bits bigints, `bytes` are
 * Uint8Arrays (a copy), arrays arrays, structs and unions plain objects. Locks and timers are left out.
 */
export type HostValue = number | bigint | boolean | Uint8Array | readonly HostValue[] | HostStruct;
export interface HostStruct {
  readonly [field: string]: HostValue;
}

export type Decoder = (view: DataView, offset: number) => HostValue;
/** `path` names the place in messages: "limits.burst". */
export type Encoder = (view: DataView, offset: number, value: unknown, path: string) => void;

/** A function that reads a value of the layout; make it once and keep it. */
export function decoder(layout: Layout): Decoder {
  switch (layout.kind) {
    case "integer":
      return integerDecoder(layout);
    case "bits":
      return bitsDecoder(layout);
    case "bool":
      return (view, offset) => view.getUint8(offset) !== 0;
    case "bytes":
      return (view, offset) =>
        new Uint8Array(view.buffer, view.byteOffset + offset, layout.length).slice() satisfies HostValue;
    case "array": {
      const [element, stride] = [decoder(layout.element), sizeOf(layout.element)];
      return (view, offset) =>
        Array.from({ length: layout.length }, (_, index) => element(view, offset + index * stride));
    }
    case "struct":
    case "union":
      return structDecoder(visible(layout.fields).map((field) => ({ field, decode: decoder(field.layout) })));
    case "opaque":
      return () => 0;
  }
}

function visible(fields: readonly Field[]): readonly Field[] {
  return fields.filter((field) => field.layout.kind !== "opaque");
}

function integerDecoder({ bits, signed, order }: IntegerLayout): Decoder {
  const little = order === "native";
  switch (bits) {
    case 8:
      return signed ? (view, at) => view.getInt8(at) : (view, at) => view.getUint8(at);
    case 16:
      return signed ? (view, at) => view.getInt16(at, little) : (view, at) => view.getUint16(at, little);
    case 32:
      return signed ? (view, at) => view.getInt32(at, little) : (view, at) => view.getUint32(at, little);
    case 64:
      return signed ? (view, at) => view.getBigInt64(at, little) : (view, at) => view.getBigUint64(at, little);
  }
}

function bitsDecoder(layout: BitsLayout): Decoder {
  const unit = integerDecoder({ kind: "integer", bits: layout.bits, signed: false, order: layout.order });
  const mask = (1n << BigInt(layout.width)) - 1n;
  const wide = layout.width > 32;
  return (view, offset) => {
    const value = (BigInt(unit(view, offset) as number | bigint) >> BigInt(layout.shift)) & mask;
    return wide ? value : Number(value);
  };
}

/** A function that writes a value of the layout. It throws E_USAGE, with the place, for a value that does not fit. */
export function encoder(layout: Layout): Encoder {
  switch (layout.kind) {
    case "integer":
      return integerEncoder(layout);
    case "bits":
      return bitsEncoder(layout);
    case "bool":
      return (view, offset, value, path) => {
        if (typeof value !== "boolean") throw mismatch(path, "true or false", value);
        view.setUint8(offset, value ? 1 : 0);
      };
    case "bytes":
      return bytesEncoder(layout.length);
    case "array":
      return arrayEncoder(layout.element, layout.length);
    case "struct":
      return structEncoder(visible(layout.fields));
    case "union":
      return unionEncoder(visible(layout.fields));
    case "opaque":
      return () => {};
  }
}

function integerEncoder({ bits, signed, order }: IntegerLayout): Encoder {
  const little = order === "native";
  const low = signed ? -(1n << BigInt(bits - 1)) : 0n;
  const high = (1n << BigInt(signed ? bits - 1 : bits)) - 1n;
  return (view, offset, value, path) => {
    const whole = wholeNumber(value);
    if (whole === undefined || whole < low || whole > high) throw mismatch(path, `an integer ${low}..${high}`, value);
    const raw = BigInt.asUintN(bits, whole);
    if (bits === 8) view.setUint8(offset, Number(raw));
    else if (bits === 16) view.setUint16(offset, Number(raw), little);
    else if (bits === 32) view.setUint32(offset, Number(raw), little);
    else view.setBigUint64(offset, raw, little);
  };
}

function wholeNumber(value: unknown): bigint | undefined {
  if (typeof value === "bigint") return value;
  return typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : undefined;
}

function bitsEncoder(layout: BitsLayout): Encoder {
  const unit: IntegerLayout = { kind: "integer", bits: layout.bits, signed: false, order: layout.order };
  const [read, write] = [integerDecoder(unit), integerEncoder(unit)];
  const high = (1n << BigInt(layout.width)) - 1n;
  return (view, offset, value, path) => {
    const whole = wholeNumber(value);
    if (whole === undefined || whole < 0n || whole > high) throw mismatch(path, `an integer 0..${high}`, value);
    const mask = high << BigInt(layout.shift);
    const kept = BigInt(read(view, offset) as number | bigint) & ~mask;
    write(view, offset, kept | (whole << BigInt(layout.shift)), path);
  };
}

function bytesEncoder(length: number): Encoder {
  return (view, offset, value, path) => {
    const fits = (value instanceof Uint8Array || Array.isArray(value)) && value.length === length;
    if (!fits) throw mismatch(path, `${length} bytes`, value);
    new Uint8Array(view.buffer, view.byteOffset + offset, length).set(value as ArrayLike<number>);
  };
}

function arrayEncoder(elementLayout: Layout, length: number): Encoder {
  const [element, stride] = [encoder(elementLayout), sizeOf(elementLayout)];
  return (view, offset, value, path) => {
    if (!Array.isArray(value) || value.length !== length) throw mismatch(path, `an array of ${length}`, value);
    for (const [index, item] of value.entries()) element(view, offset + index * stride, item, `${path}[${index}]`);
  };
}

function structEncoder(fields: readonly Field[]): Encoder {
  const parts = fields.map((field) => ({ name: field.name, offset: field.offset, encode: encoder(field.layout) }));
  return (view, offset, value, path) => {
    const record = asRecord(value, path);
    for (const part of parts) {
      if (!(part.name in record)) throw mismatch(join(path, part.name), "a value", undefined);
      part.encode(view, offset + part.offset, record[part.name], join(path, part.name));
    }
    const known = new Set(parts.map((part) => part.name));
    const stranger = Object.keys(record).find((name) => !known.has(name));
    if (stranger) throw mismatch(join(path, stranger), `one of ${[...known].join(", ")}`, record[stranger]);
  };
}

/** A union is written through the members that are given. */
function unionEncoder(fields: readonly Field[]): Encoder {
  const parts = new Map(fields.map((field) => [field.name, { offset: field.offset, encode: encoder(field.layout) }]));
  return (view, offset, value, path) => {
    for (const [name, item] of Object.entries(asRecord(value, path))) {
      const part = parts.get(name);
      if (!part) throw mismatch(join(path, name), `one of ${[...parts.keys()].join(", ")}`, item);
      part.encode(view, offset + part.offset, item, join(path, name));
    }
  };
}

function asRecord(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw mismatch(path, "an object", value);
  return value as Readonly<Record<string, unknown>>;
}

function join(path: string, name: string): string {
  return path ? `${path}.${name}` : name;
}

function mismatch(path: string, expected: string, value: unknown): IovisorError {
  const shown = typeof value === "bigint" ? `${value}n` : value === undefined ? "nothing" : showValue(value);
  return new IovisorError(
    "E_USAGE",
    `${path || "value"}: expected ${expected}, got ${shown}`,
    "pass a value that fits",
  );
}

/** Both ways for one layout, on byte arrays of its size. */
export class Codec<T = HostValue> {
  readonly size: number;
  readonly #decode: Decoder;
  readonly #encode: Encoder;

  constructor(layout: Layout) {
    this.size = sizeOf(layout);
    this.#decode = decoder(layout);
    this.#encode = encoder(layout);
  }

  decode(bytes: Uint8Array): T {
    return this.#decode(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0) as T;
  }

  decodeAt(view: DataView, offset: number): T {
    return this.#decode(view, offset) as T;
  }

  encode(value: T, path = ""): Uint8Array {
    const bytes = new Uint8Array(this.size);
    this.#encode(new DataView(bytes.buffer), 0, value, path);
    return bytes;
  }
}
