/** Counts words of more than three letters: one counter that is set back, and one that depends on it. */
import { Drop, onPacket, Pass, u8, u32 } from "iovisor/kernel";
export default onPacket((packet) => {
  let words = 0;
  let length: u32 = 0;
  for (let i = 0; i < 64; i++) {
    const c = packet.at(54 + i, u8);
    if (!c) break;
    if (c.value === 0x20) {
      if (length > 3) words++;
      length = 0;
    } else length = u32(length + 1);
  }
  return words > 4 ? Drop : Pass;
});
