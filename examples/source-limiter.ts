/**
 * A limiter per source address, with a list of networks that are refused outright.
 *
 *     ./iovisor run examples/source-limiter.ts --attach xdp:eth0 --set packetsPerSecond=1000 \
 *       --set 'blocked=["203.0.113.0/24"]'
 *
 * Each IPv4 source may send `burst` packets at once and `packetsPerSecond` in the long run; networks in the map `rates`
 * have a rate of their own, which the host writes there while this runs. A token bucket is kept as the time at which it
 * will be full again (the generic cell rate algorithm, ITU-T I.371): one word, so that a compare-and-exchange makes it
 * exact on all processors, also in an LRU map, whose values can have no lock.
 */
import {
  atomicAdd,
  atomicCompareExchange,
  be32,
  cidr4,
  config,
  Drop,
  lpmTrie,
  lruHash,
  max,
  onPacket,
  Pass,
  prefix,
  type Ref,
  range,
  set,
  struct,
  type TypeOf,
  time,
  u32,
  u64,
} from "iovisor/kernel";
import { Ethernet, EtherType, Ipv4 } from "iovisor/kernel/headers";

const second = 1_000_000_000n;
/** Rounds of compare-and-exchange; beyond, that many processors had packets of one source in the same instant. */
const attempts = 4;

export const Source = struct({ fullAt: u64, passed: u64, dropped: u64 });
export const Network = struct({ prefixLength: u32, address: be32 });

export const sources = lruHash({ key: be32, value: Source, maxEntries: 65536 });
/** Packets per second of networks with a rate of their own. */
export const rates = lpmTrie({ key: Network, value: u32, maxEntries: 1024 });
export const refused = lruHash({ key: be32, value: u64, maxEntries: 4096, title: "packets from blocked networks" });

export const settings = config({
  packetsPerSecond: u32.between(1, 100_000_000).default(100, "packets per second from one source"),
  burst: u32.between(1, 1_000_000).default(20, "packets at once from one source"),
  blocked: set(prefix(cidr4), "networks whose packets are all dropped"),
});

export default onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (ethernet?.type !== EtherType.ipv4) return Pass;
  const ip = packet.at(Ethernet.size, Ipv4);
  if (ip === undefined) return Pass;
  const address = ip.source;

  if (settings.blocked.has(address)) {
    countRefused(address);
    return Drop;
  }
  const source = sourceAt(address);
  if (source === undefined) return Pass;
  if (!takeToken(source, intervalOf(address))) {
    atomicAdd(source, "dropped", 1n);
    return Drop;
  }
  atomicAdd(source, "passed", 1n);
  return Pass;
});

function countRefused(address: u32): void {
  const count = refused.ref(address);
  if (count) atomicAdd(count, "value", 1n);
  else refused.set(address, 1n);
}

/** The state of a source, made where there is none; absent only when the kernel has no memory for it. */
function sourceAt(address: u32): Ref<TypeOf<typeof Source>> | undefined {
  const known = sources.ref(address);
  if (known) return known;
  sources.insert(address, { fullAt: 0n, passed: 0n, dropped: 0n });
  return sources.ref(address);
}

/** Nanoseconds from one packet of a source to the next in the long run. */
function intervalOf(address: u32): u64 {
  const rate = rates.get({ prefixLength: 32, address }) ?? settings.packetsPerSecond;
  return second / u64(max(rate, 1));
}

/** Takes a token out of the source's bucket; false when it is empty. */
function takeToken(source: Ref<TypeOf<typeof Source>>, interval: u64): boolean {
  const now = time.now();
  const latest = now + interval * u64(settings.burst - 1);
  for (const _ of range(attempts)) {
    const fullAt = source.fullAt;
    if (fullAt > latest) return false;
    if (atomicCompareExchange(source, "fullAt", fullAt, max(fullAt, now) + interval) === fullAt) return true;
  }
  return true;
}
