/** Tables of routes, the same for the same size: to addresses that routers forward to. */
import { randomNumbers } from "../lib/statistics.ts";

export interface Route {
  readonly address: number;
  readonly length: number;
}

/** Lengths of prefixes and their shares, about as in tables of the Internet. */
const lengths = [
  { length: 24, share: 0.6 },
  { length: 22, share: 0.2 },
  { length: 20, share: 0.12 },
  { length: 16, share: 0.08 },
] as const;
/** Unicast addresses above the loopback network. */
const [lowest, highest] = [0x8000_0000, 0xdfff_ffff];
/** 169.254.0.0/16: a router must not forward packets there (RFC 3927, section 7), though Linux does. */
const linkLocal = 0xa9fe;

export function randomRoutes(count: number, seed = 1): readonly Route[] {
  const random = randomNumbers(seed);
  const made = new Map<string, Route>();
  while (made.size < count) {
    const drawn = random();
    let left = drawn;
    const { length } = lengths.find(({ share }) => (left -= share) < 0) ?? lengths[0];
    const size = 2 ** (32 - length);
    const address = Math.floor((lowest + random() * (highest - lowest)) / size) * size;
    if (address >>> 16 !== linkLocal) made.set(`${address}/${length}`, { address, length });
  }
  return [...made.values()];
}

export function addressIn({ address, length }: Route, random: () => number): number {
  return address + Math.floor(random() * 2 ** (32 - length));
}

export function textOf(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");
}
