import type { BtfBuilder } from "../../bytecode/btf-builder.ts";
import type { BtfType } from "../../bytecode/btf-types.ts";

/** Types one to a line, in the manner of `bpftool btf dump`: `[3] struct Usage size=16 {packets:2@0 bytes:2@8}`. */
export function printBtf(btf: BtfBuilder): string {
  const lines: string[] = [];
  for (let id = 1; id <= btf.count; id++) {
    const type = btf.type(id);
    if (type) lines.push(`[${id}] ${printType(type)}`);
  }
  return lines.join("\n");
}

function printType(type: BtfType): string {
  const name = "name" in type && type.name !== "" ? ` ${type.name}` : "";
  const parts = Object.entries(type)
    .filter(([key]) => key !== "kind" && key !== "name")
    .map(([key, value]) => printProperty(key, value));
  return [`${type.kind}${name}`, ...parts].join(" ");
}

function printProperty(key: string, value: unknown): string {
  if (!Array.isArray(value)) return `${key}=${value}`;
  return `{${value.map((item) => printItem(item as Readonly<Record<string, unknown>>)).join(" ")}}`;
}

/** A member, parameter or enumerator. */
function printItem({ name = "", type, bitOffset, offset, value }: Readonly<Record<string, unknown>>): string {
  const what = value === undefined ? `:${type}` : `=${value}`;
  const bytes = bitOffset === undefined ? offset : Number(bitOffset) / 8;
  return `${name}${what}${bytes === undefined ? "" : `@${bytes}`}`;
}
