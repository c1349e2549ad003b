import {
  type DropReason,
  drop,
  i64,
  min,
  type Packet,
  type PuntReason,
  punt,
  time,
  u64,
  type Verdict,
  withLock,
} from "iovisor/kernel";
import { settings } from "./reasons.ts";
import { meters, type Port } from "./tables.ts";

/** A packet that came in. */
export interface Arrival {
  readonly packet: Packet;
  readonly port: Port;
}

/** Bytes of the Ethernet header. */
export const linkHeader = 14;

/** Whether the port may be the cause of one more ICMP error now: RFC 1812, section 4.3.2.8; RFC 4443, section 2.4. */
function mayReport({ packet, port }: Arrival): boolean {
  const meter = meters.ref(packet.port);
  if (!meter) return false;
  const now = time.jiffies();
  const second = u64(settings.ticksPerSecond);
  const rate = u64(port.icmpRate);
  return withLock(meter.lock, () => {
    const elapsed = now - meter.updated;
    // Another processor may have written a later tick.
    if (i64(elapsed) > 0n) {
      meter.units = elapsed < second ? min(second * rate, meter.units + elapsed * rate) : second * rate;
      meter.updated = now;
    }
    const enough = meter.units >= second;
    if (enough) meter.units -= second;
    return enough;
  });
}

/** The host side tells the sender, if it may; else the packet is dropped without a word. */
export function reject(arrival: Arrival, cause: PuntReason, reason: DropReason): Verdict {
  return mayReport(arrival) ? punt(cause) : drop(reason);
}
