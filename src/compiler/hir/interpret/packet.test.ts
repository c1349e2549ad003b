import assert from "node:assert/strict";
import { test } from "node:test";
import { SkbPacket } from "./packet.ts";

test("a tag that the packet cuts off is not taken", () => {
  const tagged = [...new Array(12).fill(0), 0x81, 0, 0, 5, 0x81, 0, 0, 6, 8, 0];
  const pop = (length: number): readonly boolean[] => {
    const packet = new SkbPacket(Uint8Array.from(tagged.slice(0, length)), 1000, undefined);
    return [packet.popVlan(), packet.popVlan(), packet.popVlan()];
  };
  assert.deepEqual(pop(17), [false, false, false]);
  // The second tag is to move beside the bytes, which fails when it is cut off; the first one is gone by then.
  assert.deepEqual(pop(21), [false, false, false]);
  assert.deepEqual(pop(22), [true, true, false]);
});
