import assert from "node:assert/strict";
import { test } from "node:test";
import { buildPacket } from "../../capture/packet.ts";
import { completed } from "./completion.ts";

const cases = [
  ["eth / ip 10.0.1.2 > 10.0.2.2 / udp 4000 > 53 / payload 33", 40],
  ["eth / ip6 2001:db8:1::2 > 2001:db8:2::2 / udp 4000 > 53 / payload 20", 60],
  ["eth / ip 10.0.1.2 > 10.0.2.2 / tcp 4000 > 80 / payload 7", 50],
] as const;

for (const [text, at] of cases)
  test(`the checksum that was left to a device is completed: ${text}`, () => {
    const whole = buildPacket(text);
    assert.deepEqual(completed(whole), whole);
    const left = whole.slice();
    const ip = left.subarray(14);
    const isIpv4 = text.includes("ip ");
    const start = isIpv4 ? 20 : 40;
    const ends = isIpv4 ? ip.subarray(12, 20) : ip.subarray(8, 40);
    const view = new DataView(ends.buffer, ends.byteOffset, ends.byteLength);
    let sum = ip.length - start + (text.includes("tcp") ? 6 : 17);
    for (let index = 0; index < ends.length; index += 2) sum += view.getUint16(index);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    new DataView(left.buffer, left.byteOffset).setUint16(at, sum);
    assert.notDeepEqual(left, whole);
    assert.deepEqual(completed(left), whole);
  });
