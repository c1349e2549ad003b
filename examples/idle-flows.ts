/**
 * A table of flows that cleans itself: who talks to whom over IPv4, and an event with the totals when a flow ends.
 *
 *     ./iovisor run examples/idle-flows.ts --attach xdp:eth0 --set idleMilliseconds=5000
 *
 * A kernel timer goes over the table and removes what has been idle, whether a daemon lives or not. Behind each sweep
 * the next packet arms the timer anew, so that the callback of a replaced program is followed by the new one's; while
 * no packets come, the callback arms itself as long as there is something left to wait for.
 */
import {
  arrayMap,
  atomicAdd,
  atomicCompareExchange,
  be32,
  config,
  hash,
  onPacket,
  Pass,
  ringBuffer,
  struct,
  type TypeOf,
  time,
  timer,
  u32,
  u64,
} from "iovisor/kernel";
import { Ethernet, EtherType, Ipv4 } from "iovisor/kernel/headers";

export const settings = config({
  idleMilliseconds: u32.between(1, 86_400_000).default(30_000, "a flow ends after so long without a packet"),
  sweepMilliseconds: u32.between(1, 3_600_000).default(1000, "time between two looks at the table"),
});

export const Flow = struct({ source: be32, destination: be32 });
export const Usage = struct({ packets: u64, bytes: u64, lastSeen: u64 });
export const Ended = struct({ source: be32, destination: be32, packets: u64, bytes: u64 });
const Sweeper = struct({ timer, armed: u32, left: u32, sweeps: u64, lostEvents: u64 });

export const flows = hash({ key: Flow, value: Usage, maxEntries: 65536 });
export const ended = ringBuffer({ event: Ended, bytes: 1 << 20 });
/** One entry: the timer, and what the sweeps did. */
export const sweeper = arrayMap({ value: Sweeper, maxEntries: 1 });

const nanoseconds = (milliseconds: u32) => u64(milliseconds) * 1_000_000n;

function sweep(_index: u32, self: TypeOf<typeof Sweeper>) {
  self.armed = 0;
  self.left = 0;
  self.sweeps += 1n;
  flows.forEach(({ source, destination }, usage) => {
    const state = sweeper.ref(0);
    if (!state) return;
    // Read before the clock: another processor may write a later time in between.
    const seen = usage.lastSeen;
    if (time.now() - seen < nanoseconds(settings.idleMilliseconds)) {
      state.left = 1;
      return;
    }
    const { packets, bytes } = usage;
    if (!ended.emit({ source, destination, packets, bytes })) state.lostEvents += 1n;
    flows.delete({ source, destination });
  });
  if (self.left) sweeper.startTimer(self, nanoseconds(settings.sweepMilliseconds), sweep);
}

export default onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (ethernet?.type !== EtherType.ipv4) return Pass;
  const ip = packet.at(Ethernet.size, Ipv4);
  if (!ip) return Pass;
  const now = time.now();
  const flow = Flow({ source: ip.source, destination: ip.destination });
  const usage = flows.ref(flow);
  if (usage) {
    atomicAdd(usage, "packets", 1n);
    atomicAdd(usage, "bytes", u64(packet.length));
    usage.lastSeen = now;
  } else {
    flows.set(flow, { packets: 1n, bytes: u64(packet.length), lastSeen: now });
  }
  const self = sweeper.ref(0);
  if (self && self.armed === 0 && atomicCompareExchange(self, "armed", 0, 1) === 0)
    sweeper.startTimer(self, nanoseconds(settings.sweepMilliseconds), sweep);
  return Pass;
});
