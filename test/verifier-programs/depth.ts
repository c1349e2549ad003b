/** Brackets that open and close: a counter that goes up and down, within bounds. */
import { Drop, onPacket, Pass, u8, u32 } from "iovisor/kernel";
export default onPacket((packet) => {
  let depth: u32 = 0;
  for (let i = 0; i < 48; i++) {
    const tag = packet.at(42 + i, u8)?.value;
    if (tag === undefined) break;
    if (tag === 0x28 && depth < 7) depth = u32(depth + 1);
    else if (tag === 0x29) {
      if (depth === 0) return Drop;
      depth = u32(depth - 1);
    }
  }
  return depth > 0 ? Drop : Pass;
});
