/** TCP options: three values that may be absent. */
import { be16, be32, Drop, onPacket, Pass, u8, type u16, u32 } from "iovisor/kernel";
export default onPacket((packet) => {
  let mss: u16 | undefined;
  let scale: u8 | undefined;
  let stamp: u32 | undefined;
  let offset: u32 = 54;
  for (let i = 0; i < 20; i++) {
    const kind = packet.at(offset, u8)?.value;
    if (kind === undefined || kind === 0) break;
    if (kind === 1) {
      offset = u32(offset + 1);
      continue;
    }
    const length = packet.at(u32(offset + 1), u8)?.value;
    if (length === undefined || length < 2) return Drop;
    if (kind === 2) mss = packet.at(u32(offset + 2), be16)?.value;
    else if (kind === 3) scale = packet.at(u32(offset + 2), u8)?.value;
    else if (kind === 8) stamp = packet.at(u32(offset + 2), be32)?.value;
    offset = u32(offset + length);
  }
  if (mss === undefined) return Drop;
  if (scale === undefined && stamp === undefined) return Drop;
  return mss < 500 ? Drop : Pass;
});
