import type { Interval } from "./terms.ts";

/** TCP's flags from the most significant bit down, as `sortedFlags` of kernel/headers.ts lays them. */
const order = [0x10, 0x02, 0x04, 0x01, 0x08, 0x20, 0x40, 0x80] as const;

/** The flags of a TCP header with those first that decide most. */
export function sortedFlags(flags: number): number {
  return order.reduce((sorted, flag) => (sorted << 1) | ((flags & flag) === 0 ? 0 : 1), 0);
}

/** All flags that a mask and a value take, as ranges of sorted flags. */
export function sortedFlagRanges(mask: number, value: number): readonly Interval[] {
  const taken = Array.from({ length: 256 }, (_, flags) => flags)
    .filter((flags) => (flags & mask) === value)
    .map(sortedFlags)
    .sort((a, b) => a - b);
  const ranges: { low: number; high: number }[] = [];
  for (const flags of taken) {
    const last = ranges.at(-1);
    if (last && last.high + 1 === flags) last.high = flags;
    else ranges.push({ low: flags, high: flags });
  }
  return ranges;
}
