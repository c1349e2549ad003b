/** From an address to its next hop. */
import { range, u32 as toU32, u64 as toU64, type u32, type u64 } from "iovisor/kernel";
import { settings } from "./reasons.ts";
import {
  buckets,
  defaults,
  entries4,
  entries6,
  HopKind,
  isNode,
  type NextHop,
  nextHops,
  nodes4,
  nodes6,
  routeVersion,
  slotBits4,
  slots4,
  slots6,
} from "./tables.ts";

/** How many bits are set. */
function populationCount(value: u64): u64 {
  const pairs = value - ((value >> 1n) & 0x5555_5555_5555_5555n);
  const fours = (pairs & 0x3333_3333_3333_3333n) + ((pairs >> 2n) & 0x3333_3333_3333_3333n);
  const bytes = (fours + (fours >> 4n)) & 0x0f0f_0f0f_0f0f_0f0fn;
  return (bytes * 0x0101_0101_0101_0101n) >> 56n;
}

/** The place of the entry for the six highest bits of `word`. */
function placeOf(starts: u64, base: u32, word: u64): u32 {
  const upTo = (2n << (word >> 58n)) - 1n;
  return toU32(toU64(base) + populationCount(starts & upTo) - 1n);
}

function step4(entry: u32, word: u64): u32 {
  const node = nodes4.ref(entry & 0x7fff_ffff);
  if (!node) return 0;
  const place = placeOf(node.starts, node.base, word);
  const pair = entries4.ref(place >>> 1);
  return pair ? pair[place & 1] : 0;
}

function step6(entry: u32, word: u64): u32 {
  const node = nodes6.ref(entry & 0x7fff_ffff);
  if (!node) return 0;
  const place = placeOf(node.starts, node.base, word);
  const pair = entries6.ref(place >>> 1);
  return pair ? pair[place & 1] : 0;
}

/** Which of the two versions of a slot counts. */
function currentHalf(): u32 {
  const version = routeVersion.ref(0);
  return version ? version.value & 1 : 0;
}

function hopOf(entry: u32, family: number, half: u32): NextHop | undefined {
  if (entry !== 0) return nextHops.ref(entry);
  const usual = defaults.ref(family);
  return usual ? nextHops.ref(usual[half & 1]) : undefined;
}

/** 18 bits by the slot, then three times six: the last four of those are behind the address. */
export function lookup4(address: u32): NextHop | undefined {
  const half = currentHalf();
  const slot = slots4.ref(address >>> (32 - slotBits4));
  let entry: u32 = slot ? slot[half & 1] : 0;
  let word: u64 = toU64(address) << 50n;
  for (const _ of range(3)) {
    if (entry < isNode) break;
    entry = step4(entry, word);
    word <<= 6n;
  }
  return hopOf(entry, 0, half);
}

/** 16 bits by the slot, eight times six up to the middle of the address, eleven times six for the other half. */
export function lookup6(high: u64, low: u64): NextHop | undefined {
  const half = currentHalf();
  const slot = slots6.ref(toU32(high >> 48n));
  let entry: u32 = slot ? slot[half & 1] : 0;
  let word: u64 = high << 16n;
  for (const _ of range(8)) {
    if (entry < isNode) break;
    entry = step6(entry, word);
    word <<= 6n;
  }
  if (entry >= isNode) {
    word = low;
    for (const _ of range(11)) {
      if (entry < isNode) break;
      entry = step6(entry, word);
      word <<= 6n;
    }
  }
  return hopOf(entry, 1, half);
}

/** Mixes bits of a flow so that all of them decide (constants of SplitMix64's finalizer). */
export function mix(value: u64): u64 {
  const first = (value ^ (value >> 30n)) * 0xbf58_476d_1ce4_e5b9n;
  const second = (first ^ (first >> 27n)) * 0x94d0_49bb_1331_11ebn;
  return second ^ (second >> 31n);
}

/** One next hop of a group by the flow, which `flow` gives where it is asked for; others as they are. */
export function chooseHop(hop: NextHop, flow: () => u64): NextHop | undefined {
  if (!settings.groups || hop.kind !== HopKind.group) return hop;
  return nextHops.ref(toU32(hop.first + toU32(flow() & toU64(buckets - 1))));
}
