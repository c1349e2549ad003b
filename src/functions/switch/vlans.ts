/** Sets of VLANs: a bit for each, the least significant of a byte first, as kernel code reads them. */
export type VlanSet = Uint8Array;

export const firstVlan = 1;
/** 4095 is reserved: IEEE 802.1Q, table 9-2. */
export const lastVlan = 4094;

const setBytes = 512;

export function vlanSet(vlans: Iterable<number>): VlanSet {
  const set = new Uint8Array(setBytes);
  for (const vlan of vlans) set[vlan >>> 3]! |= 1 << (vlan & 7);
  return set;
}

export function hasVlan(set: VlanSet, vlan: number): boolean {
  return ((set[vlan >>> 3]! >>> (vlan & 7)) & 1) === 1;
}

/** The text that a list of VLANs does not fit, and why. */
export class BadVlans extends Error {}

/** "all", or numbers and ranges: "10,20-30". @throws BadVlans */
export function parseVlans(text: string): VlanSet {
  return vlanSet(text.trim() === "all" ? range(firstVlan, lastVlan) : text.split(",").flatMap(parsePart));
}

function parsePart(part: string): readonly number[] {
  const match = /^\s*(?<from>\d{1,5})\s*(?:-\s*(?<to>\d{1,5})\s*)?$/.exec(part);
  if (!match) throw new BadVlans(`"${part.trim()}" is neither a VLAN nor a range of them`);
  const from = Number(match.groups!["from"]);
  const to = Number(match.groups!["to"] ?? from);
  const outside = [from, to].find((vlan) => vlan < firstVlan || vlan > lastVlan);
  if (outside !== undefined) throw new BadVlans(`VLAN ${outside} is not one of ${firstVlan} to ${lastVlan}`);
  if (from > to) throw new BadVlans(`the range ${from}-${to} runs backwards`);
  return range(from, to);
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
