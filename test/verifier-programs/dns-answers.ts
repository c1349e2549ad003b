/** Goes over the records of an answer behind names of labels, and keeps the first address. */
import { be16, be32, Drop, lruHash, onPacket, type Packet, Pass, ringBuffer, struct, u8, u32 } from "iovisor/kernel";

const Record = struct({ type: be16, class: be16, ttl: be32, length: be16 });
const Answer = struct({ first: be32, shortest: u32, records: u32 });
export const answers = ringBuffer({ event: Answer, bytes: 1 << 18 });
export const seen = lruHash({ key: be32, value: u32, maxEntries: 64 });
function skipName(packet: Packet, start: u32): u32 | undefined {
  let offset = start;
  for (let i = 0; i < 32; i++) {
    const length = packet.at(offset, u8)?.value;
    if (length === undefined) return undefined;
    if (length === 0) return u32(offset + 1);
    if ((length & 0xc0) === 0xc0) return u32(offset + 2);
    offset = u32(offset + 1 + length);
  }
  return undefined;
}
export default onPacket((packet) => {
  const answer = Answer();
  let offset: u32 = 54;
  let a = 0;
  for (let r = 0; r < 16; r++) {
    const end = skipName(packet, offset);
    if (end === undefined) return Drop;
    const record = packet.at(end, Record);
    if (!record) return Drop;
    if (record.type === 1) {
      const address = packet.at(u32(end + 10), be32);
      if (!address) return Drop;
      if (a === 0) answer.first = address.value;
      a++;
    }
    offset = u32(end + 10 + record.length);
  }
  answers.emit(answer);
  return Pass;
});
