import assert from "node:assert/strict";
import { isIPv6 } from "node:net";
import { test } from "node:test";
import { bytesToIp, bytesToMac, ipToBytes, macToBytes, parsePrefix } from "./ip.ts";

test("IPv6 text is canonical as RFC 5952 asks", () => {
  for (const [text, canonical] of [
    ["2001:0DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["::", "::"],
    ["::1", "::1"],
    ["fe80::", "fe80::"],
    ["1:0:2:0:3:0:4:0", "1:0:2:0:3:0:4:0"],
    ["1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"],
    ["::ffff:192.0.2.1", "::ffff:c000:201"],
    ["2001:db8:0:0:0:0:0:0", "2001:db8::"],
  ] as const) {
    assert.equal(bytesToIp(ipToBytes(text)), canonical, text);
  }
});

test("any 16 bytes survive the way to text and back", () => {
  const seed = Date.now() >>> 0;
  let state = seed;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24;
  for (let round = 0; round < 500; round++) {
    const bytes = Uint8Array.from({ length: 16 }, () => (next() < 128 ? 0 : next()));
    const text = bytesToIp(bytes);
    assert.ok(isIPv6(text), `${text} (seed ${seed})`);
    assert.deepEqual(ipToBytes(text), bytes, `${text} (seed ${seed})`);
  }
});

test("IPv4, MAC addresses and prefixes are read and written", () => {
  assert.deepEqual(ipToBytes("192.0.2.1"), Uint8Array.of(192, 0, 2, 1));
  assert.equal(bytesToIp(Uint8Array.of(10, 0, 0, 255)), "10.0.0.255");
  assert.equal(bytesToMac(macToBytes("02:AB:00:00:00:0f")), "02:ab:00:00:00:0f");
  assert.deepEqual(parsePrefix("10.0.0.0/8"), { address: "10.0.0.0", length: 8 });
  assert.deepEqual(parsePrefix("::1"), { address: "::1", length: 128 });
});

test("what is not an address is refused by name", () => {
  for (const text of [
    "",
    "1.2.3",
    "1.2.3.256",
    "1.2.3.4/33",
    "::/129",
    "1.2.3.4/",
    "1.2.3.4/8/8",
    "fe80::1%eth0",
    ":::",
  ]) {
    assert.throws(() => parsePrefix(text), { code: "E_USAGE" }, text);
  }
  for (const text of ["", "02:00", "02-00-00-00-00-01", "02:00:00:00:00:0g"]) {
    assert.throws(() => macToBytes(text), { code: "E_USAGE" }, text);
  }
});
