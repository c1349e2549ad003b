/** Goes over fields of a type and a length, and copies the text of one of them. */
import { bytes, onPacket, Pass, ringBuffer, struct, u8 } from "iovisor/kernel";

const Name = struct({ text: bytes(32) });
export const names = ringBuffer({ event: Name, bytes: 1 << 16 });
export default onPacket((packet) => {
  const name = Name();
  let offset = 62;
  for (let i = 0; i < 32; i++) {
    const head = packet.at(offset, struct({ type: u8, length: u8 }));
    if (!head) break;
    if (head.type === 1) {
      for (let j = 0; j < 32; j++) {
        if (j >= head.length) break;
        name.text[j] = packet.at(offset + 2 + j, u8)?.value ?? 0;
      }
    }
    offset += 2 + head.length;
  }
  names.emit(name);
  return Pass;
});
