import assert from "node:assert/strict";
import { test } from "node:test";
import { buildPacket } from "../../capture/packet.ts";
import { readPacket, showPacket } from "./packet.ts";

test("takes a description, and puts a frame around a bare IP packet", () => {
  const text = "ip 192.0.2.1 > 192.0.2.2 / udp 1 > 2";
  assert.deepEqual(readPacket(`eth / ${text}`, 1), buildPacket(`eth / ${text}`));
  const framed = readPacket(text, 1);
  assert.deepEqual(framed.subarray(14), buildPacket(text));
  assert.deepEqual([...framed.subarray(12, 14)], [8, 0]);
  assert.match(showPacket(framed), /192\.0\.2\.1 > 192\.0\.2\.2 .*\(42 bytes\)$/);
});

test("says what is wrong with a file or an index", () => {
  const refuses = (text: string, index: number, message: RegExp) =>
    assert.throws(() => readPacket(text, index), { code: "E_USAGE", message });
  refuses("missing.pcap", 1, /missing\.pcap does not exist$/);
  refuses("examples/demo.pcapng", 100_000, /has no packet 100000/);
  refuses("eth / nonsense", 1, /nonsense/);
});
