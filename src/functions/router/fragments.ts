/** Cuts IPv4 packets into fragments: RFC 791, section 3.2. */
import { internetChecksum } from "../../capture/checksum.ts";
import { concat, linkHeader, viewOf } from "./frames.ts";

const moreFragments = 0x2000;
const offsetMask = 0x1fff;

/** Options that every fragment has, and no-operation in place of the others. */
function copiedOptions(options: Uint8Array): Uint8Array {
  const kept = options.slice();
  for (let at = 0; at < kept.length && kept[at] !== 0; ) {
    const length = kept[at] === 1 ? 1 : Math.max(2, kept[at + 1] ?? 2);
    if ((kept[at]! & 0x80) === 0) kept.fill(1, at, at + length);
    at += length;
  }
  return kept;
}

/** Frames whose packets have at most `mtu` bytes. The frame's packet may be a fragment itself. */
export function fragmentsOf(frame: Uint8Array, mtu: number): readonly Uint8Array[] {
  const link = frame.subarray(0, linkHeader);
  const ip = frame.subarray(linkHeader, linkHeader + viewOf(frame).getUint16(linkHeader + 2));
  const headerLength = (ip[0]! & 15) * 4;
  const payload = ip.subarray(headerLength);
  const step = (mtu - headerLength) & ~7;
  const field = viewOf(ip).getUint16(6);
  const frames: Uint8Array[] = [];
  for (let at = 0; step > 0 && at < payload.length; at += step) {
    const part = payload.subarray(at, at + step);
    const options = ip.subarray(20, headerLength);
    const header = concat(ip.subarray(0, 20), at === 0 ? options : copiedOptions(options));
    const view = viewOf(header);
    const more = at + step < payload.length ? moreFragments : field & moreFragments;
    view.setUint16(2, header.length + part.length);
    view.setUint16(6, more | ((field & offsetMask) + at / 8));
    view.setUint16(10, 0);
    view.setUint16(10, internetChecksum(header));
    frames.push(concat(link, header, part));
  }
  return frames;
}
