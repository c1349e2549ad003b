/** Whether a packet has each of four bytes, in any order. */
import { Drop, onPacket, Pass, u8 } from "iovisor/kernel";
export default onPacket((packet) => {
  let a = false;
  let b = false;
  let c = false;
  let d = false;
  for (let i = 0; i < 64; i++) {
    const v = packet.at(54 + i, u8)?.value;
    if (v === undefined) break;
    if (v === 1) a = true;
    else if (v === 2) b = true;
    else if (v === 3) c = true;
    else if (v === 4) d = true;
  }
  return a && b && c && d ? Drop : Pass;
});
