import type { MapDeclaration } from "../../src/compiler/hir/tree.ts";

/** What a witness saw of one run, as text: equal texts are equal outcomes. */
export interface Observation {
  readonly verdict: string;
  readonly packet: string;
  /** One for each map of the module. */
  readonly maps: readonly string[];
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}

/** Contents in an order that does not depend on the witness. Zeroed entries of arrays are there in all of them. */
export function contents(
  map: MapDeclaration,
  entries: Iterable<readonly [key: Uint8Array, value: Uint8Array]>,
): string {
  const texts = [...entries].map(([key, value]) => `${hex(comparable(map, key))}=${hex(value)}`);
  return texts.sort().join(" ");
}

/** Bits behind a prefix belong to no key: which of them stay is up to the implementation. */
function comparable(map: MapDeclaration, key: Uint8Array): Uint8Array {
  if (map.kind !== "lpmTrie") return key;
  const made = key.slice();
  const length = new DataView(key.buffer, key.byteOffset).getUint32(0, true);
  for (let bit = length; bit < (key.length - 4) * 8; bit++) made[4 + (bit >> 3)]! &= ~(0x80 >> (bit & 7));
  return made;
}

/** Of queues, stacks and rings, next or oldest first. */
export function sequence(elements: Iterable<Uint8Array>): string {
  return [...elements].map(hex).join(" ");
}

/** What differs, in a few lines; undefined when nothing does. */
export function difference(
  maps: readonly MapDeclaration[],
  expected: Observation,
  got: Observation,
  names: readonly [string, string],
): string | undefined {
  const lines: string[] = [];
  const compare = (what: string, a: string, b: string): void => {
    if (a !== b) lines.push(`${what}\n  ${names[0]}: ${a}\n  ${names[1]}: ${b}`);
  };
  compare("verdict", expected.verdict, got.verdict);
  compare("packet", expected.packet, got.packet);
  maps.forEach((map, index) => {
    if (map.rules) return;
    compare(`map ${map.name} (${map.kind})`, expected.maps[index] ?? "", got.maps[index] ?? "");
  });
  return lines.length > 0 ? lines.join("\n") : undefined;
}
