/** What the kernel's routing says of packets. */
import { atomicAdd, drop, forward, time, toHost, u32, u64, type Verdict } from "iovisor/kernel";
import { Ethernet, type FibLookup, FibResult } from "iovisor/kernel/headers";
import type { Arrival } from "./arrival.ts";
import { mix } from "./lookup.ts";
import { reasons, settings } from "./reasons.ts";
import { checkSlots, checks, devicePorts, type LeftCounts, maximumPorts, toKernel } from "./tables.ts";

/** To the kernel's stack, as it came in. */
export function leave(why: keyof LeftCounts): Verdict {
  const counts = toKernel.ref(0);
  if (counts) atomicAdd(counts, why, 1n);
  return toHost;
}

/** What the kernel has to do itself, or to answer. */
function leaveAs(result: u32): Verdict {
  switch (result) {
    case FibResult.unreachable:
      return leave("unreachable");
    case FibResult.prohibit:
      return leave("prohibited");
    case FibResult.notForwarded:
      return leave("localOrNoRoute");
    case FibResult.forwardingDisabled:
      return leave("forwardingDisabled");
    case FibResult.unsupportedTunnel:
      return leave("tunnel");
    case FibResult.noNeighbour:
      return leave("noNeighbour");
    case FibResult.fragmentationNeeded:
      return leave("tooBig");
    default:
      return leave("deviceGone");
  }
}

/**
 * Whether a packet is to go by the kernel's stack for the kernel to see that the neighbour is in use: what only asks
 * the routing does not make it ask whether a neighbour is still there (neigh_event_send, include/net/neighbour.h). One
 * in each period for a neighbour; those that share a slot do not share it in the next period.
 */
function isDue(lookup: FibLookup): boolean {
  const period = u32(time.jiffies() >> u64(settings.checkShift));
  const { high, low } = lookup.destination.ipv6;
  const slot = u32(mix(mix(high ^ ((u64(lookup.ifindex) << 32n) | u64(period))) ^ low)) & (checkSlots - 1);
  const check = checks.ref(slot);
  if (!check || check.period === period) return false;
  check.period = period;
  return true;
}

/** Sends a packet where the kernel would; `change` is what a router changes in the IP header. */
export function follow({ packet, port }: Arrival, lookup: FibLookup, change: () => void): Verdict {
  lookup.ifindex = port.device;
  const result = packet.fibLookup(lookup);
  if (result === FibResult.blackhole) return drop(reasons.blackhole);
  if (result !== FibResult.success) return leaveAs(result);
  const out = devicePorts.ref(lookup.ifindex);
  if (!out) return leave("otherDevice");
  if (isDue(lookup)) return leave("neighbourCheck");
  const ethernet = packet.at(0, Ethernet);
  if (!ethernet) return leave("header");
  ethernet.destination = lookup.destinationMac;
  ethernet.source = lookup.sourceMac;
  change();
  return forward(out.value & (maximumPorts - 1));
}

/** Whether packets to the source would go: out of any device, or out of the one that this came in on. */
export function hasWayBack({ packet, port }: Arrival, back: FibLookup): boolean {
  back.ifindex = port.device;
  // Any that fits: at TCX 0 stands for the packet's own.
  back.length = 1;
  const result = packet.fibLookup(back);
  if (result !== FibResult.success && result !== FibResult.noNeighbour) return false;
  return settings.sourceCheck === "loose" || back.ifindex === port.device;
}
