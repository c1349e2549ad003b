/** A byte says what a word at the same place is; the place comes from the packet. */
import { be16, Drop, onPacket, Pass, u8 } from "iovisor/kernel";
export default onPacket((packet) => {
  const offset = packet.at(14, be16)?.value ?? 0;
  const kind = packet.at(offset, u8);
  if (!kind) return Pass;
  const word = packet.at(offset, be16);
  return word?.value === 300 ? Drop : Pass;
});
