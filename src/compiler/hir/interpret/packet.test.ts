import assert from "node:assert/strict";
import { test } from "node:test";
import { SkbPacket, tagBeside, XdpPacket } from "./packet.ts";

test("a tag that the packet cuts off is not taken", () => {
  const tagged = [...new Array(12).fill(0), 0x81, 0, 0, 5, 0x81, 0, 0, 6, 8, 0];
  const pop = (length: number): readonly boolean[] => {
    const packet = new SkbPacket(Uint8Array.from(tagged.slice(0, length)), 1000, {});
    return [packet.popVlan(), packet.popVlan(), packet.popVlan()];
  };
  assert.deepEqual(pop(17), [false, false, false]);
  // The second tag is to move beside the bytes, which fails when it is cut off; the first one is gone by then.
  assert.deepEqual(pop(21), [false, false, false]);
  assert.deepEqual(pop(22), [true, true, false]);
});

const frame = Uint8Array.from({ length: 20 }, (_, index) => index + 1);
const [customer, service] = [0x8100, 0x88a8];

test("a tag has a protocol: in the bytes at XDP, beside them in an skb", () => {
  const xdp = new XdpPacket(frame, 1000);
  assert.ok(xdp.pushVlan(7, service) && xdp.pushVlan(5, customer));
  assert.deepEqual([...xdp.storage.bytes.subarray(10, 22)], [11, 12, 0x81, 0, 0, 5, 0x88, 0xa8, 0, 7, 13, 14]);
  assert.deepEqual([xdp.vlanTag, xdp.vlanProtocol], [undefined, undefined]);
  const skb = new SkbPacket(frame, 1000, {});
  assert.equal(skb.vlanProtocol, undefined);
  assert.ok(skb.pushVlan(7, service));
  assert.deepEqual([skb.storage.bytes, tagBeside(skb)], [frame, { vlanTag: 7, vlanProtocol: service }]);
});

test("in an skb what is behind the outermost tag is in the bytes, and comes beside them when that is taken off", () => {
  const skb = new SkbPacket(frame, 1000, { vlanTag: 7, vlanProtocol: service });
  assert.ok(skb.pushVlan(5, customer));
  assert.deepEqual([...skb.storage.bytes.subarray(10, 18)], [11, 12, 0x88, 0xa8, 0, 7, 13, 14]);
  assert.deepEqual(tagBeside(skb), { vlanTag: 5 });
  assert.ok(skb.popVlan());
  assert.deepEqual([skb.storage.bytes, tagBeside(skb)], [frame, { vlanTag: 7, vlanProtocol: service }]);
  assert.ok(skb.popVlan());
  assert.deepEqual([skb.storage.bytes, tagBeside(skb), skb.popVlan()], [frame, {}, false]);
});
