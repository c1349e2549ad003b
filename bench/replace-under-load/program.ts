/** Drops everything and counts it in the place of its own version. */
import { config, Drop, onPacket, perCpuArray, u32, u64 } from "iovisor/kernel";

export const settings = config({ version: u32.default(0, "which counter to use") });
export const seen = perCpuArray({ value: u64, maxEntries: 1024 });

export const program = onPacket(() => {
  const count = seen.ref(settings.version);
  if (count) count.value += 1n;
  return Drop;
});
