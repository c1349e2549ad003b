/** Storm control: how much of what is flooded a port may send. */
import { arrayMap, i64, min, spinLock, struct, u32, u64, withLock } from "iovisor/kernel";
import { type Admitted, maximumPorts, settings, type Traffic, ticks, trafficKinds, unlimited } from "./tables.ts";

/** A token bucket. A packet costs as many units as a second has ticks, so that rates need no fractions. */
const Meter = struct({ lock: spinLock, unused: u32, units: u64, updated: u64 });
export const meters = arrayMap({ value: Meter, maxEntries: maximumPorts * trafficKinds, show: "hidden" });

/** Whether the port may send one more of that traffic now. */
export function isWithinRate({ packet, port, now }: Admitted, traffic: Traffic): boolean {
  if (!settings.storms) return true;
  const rate = port.rates[traffic];
  if (rate === unlimited) return true;
  const meter = meters.ref(packet.port * trafficKinds + traffic);
  if (!meter) return true;
  const full = ticks(1) * u64(rate);
  return withLock(meter.lock, () => {
    const elapsed = now - meter.updated;
    if (i64(elapsed) > 0n) {
      meter.units = elapsed < ticks(1) ? min(full, meter.units + elapsed * u64(rate)) : full;
      meter.updated = now;
    }
    const enough = meter.units >= ticks(1);
    if (enough) meter.units -= ticks(1);
    return enough;
  });
}
