/** What model.ts beside it says of this function in plain TypeScript. */
import {
  arrayMap,
  bool,
  config,
  drop,
  dropReasons,
  fixedPorts,
  forward,
  metadata,
  onPacket,
  struct,
  u8,
  u16,
  u32,
  u64,
} from "iovisor/kernel";
import { Ethernet } from "iovisor/kernel/headers";

export const ports = fixedPorts("left", "right");
export const reasons = dropReasons({ short: "it ends within its header", closed: "a function before said so" });
export const settings = config({ number: u8.default(0, "tells markers apart") });

const flag = metadata("flag", bool);
const byte = metadata("byte", u8);
const zone = metadata("zone", u16);
const word = metadata("word", u32);
const deep = metadata("deep", u64);

/** What was read of the last packet. */
const Noted = struct({ deep: u64, word: u32, zone: u16, byte: u8, flag: u8 });
export const noted = arrayMap({ value: Noted, maxEntries: 1 });

export default onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (!ethernet) return drop(reasons.short);
  const place = noted.ref(0);
  if (place) {
    place.deep = deep.get();
    place.word = word.get();
    place.zone = zone.get();
    place.byte = byte.get();
    place.flag = flag.get() ? 1 : 0;
  }
  const closed = flag.get() && byte.get() % 8 === settings.number;
  const low = ethernet.source[5];
  if (((low + settings.number) & 1) === 1) {
    flag.set(!flag.get());
    byte.set(u8(byte.get() + low + 250));
    zone.set(u16(zone.get() * 3 + ethernet.destination[5] + 0xff00));
    word.set(u32(word.get() ^ (0xdead_0000 + low)));
    deep.set((deep.get() << 7n) ^ (0xfeed_face_0000_0000n + u64(settings.number)));
  }
  return closed ? drop(reasons.closed) : forward(1 - packet.port);
});
