import { parseFormat } from "../../compiler/hir/formats.ts";

/** A block of addresses, as settings take it; undefined when it has another form. */
export function parseCidr(
  family: "ipv4" | "ipv6",
  text: string,
): { readonly address: bigint; readonly length: number } | undefined {
  const block = parseFormat(family === "ipv4" ? "cidr4" : "cidr6", text);
  return block && { address: block.address, length: Number(block.length) };
}
