import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { internetChecksum } from "../../capture/checksum.ts";
import { buildPacket } from "../../capture/packet.ts";
import { fragmentsOf } from "./fragments.ts";
import { bucketsOf } from "./hop-numbers.ts";
import type { NextHop } from "./routes.ts";

const gateways = [1, 2, 3, 4, 5].map(
  (last): NextHop => ({ kind: "gateway", port: 1, via: Uint8Array.of(10, 0, 0, last) }),
);

describe("flows over several next hops", () => {
  it("are shared by all of them", () => {
    const spread = bucketsOf(gateways);
    for (const hop of gateways) {
      const count = spread.filter((one) => one === hop).length;
      assert.ok(count >= 4 && count <= 25, String(count));
    }
  });

  it("stay where they are when another next hop goes", () => {
    const [gone, ...others] = gateways;
    const before = bucketsOf(gateways);
    const after = bucketsOf(others);
    before.forEach((hop, bucket) => {
      if (hop !== gone) assert.equal(after[bucket], hop);
    });
  });
});

describe("fragments", () => {
  const frame = buildPacket("eth / ip 10.0.0.1 > 10.0.0.2 / udp 1 > 2 / payload 3000");
  const view = (data: Uint8Array): DataView => new DataView(data.buffer, data.byteOffset + 14);

  it("are small enough, have good checksums, and together are the packet", () => {
    const parts = fragmentsOf(frame, 1000);
    const payload = parts.flatMap((part) => [...part.subarray(34)]);
    assert.deepEqual(payload, [...frame.subarray(34)]);
    parts.forEach((part, index) => {
      assert.ok(part.length - 14 <= 1000);
      assert.equal(internetChecksum(part.subarray(14, 34)), 0);
      const more = index < parts.length - 1 ? 0x2000 : 0;
      assert.equal(view(part).getUint16(6), more | ((976 / 8) * index));
    });
  });

  it("of a fragment go on where it starts", () => {
    const [, second = frame] = fragmentsOf(frame, 1500);
    const offsets = fragmentsOf(second, 700).map((part) => view(part).getUint16(6));
    assert.deepEqual(offsets, [0x2000 | 185, 0x2000 | (185 + 85), 0x2000 | (185 + 170)]);
  });
});
