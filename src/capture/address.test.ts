import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatIpv6, formatMac, parseIpv4, parseIpv6, parseMac } from "./address.ts";

describe("addresses", () => {
  test("IPv6 texts come back in the canonical form of RFC 5952", () => {
    const texts: [string, string][] = [
      ["::", "::"],
      ["::1", "::1"],
      ["FD00::1", "fd00::1"],
      ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
      ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
      ["1:2:3:4:5:6:7:0", "1:2:3:4:5:6:7:0"],
      ["fe80::", "fe80::"],
      ["0:0:3:4:5:6:7:8", "::3:4:5:6:7:8"],
      ["10:0:0:5:6:7:8:9", "10::5:6:7:8:9"],
      ["1:10:0:0:5:6:7:8", "1:10::5:6:7:8"],
      ["::ffff:10.0.0.1", "::ffff:a00:1"],
    ];
    for (const [text, canonical] of texts) assert.equal(formatIpv6(parseIpv6(text)!), canonical);
  });

  test("texts that are not addresses are refused", () => {
    for (const text of [
      "1:2:3",
      "1::2::3",
      "12345::",
      "1:2:3:4:5:6:7:8:9",
      "1:2:3:4:5:6:7::8",
      ":1",
      "g::",
      "::1.2.3",
    ]) {
      assert.equal(parseIpv6(text), undefined, text);
    }
    for (const text of ["1.2.3", "1.2.3.256", "01.2.3.4", "1.2.3.4.5", "a.b.c.d"])
      assert.equal(parseIpv4(text), undefined);
    for (const text of ["1:2:3:4:5", "00:11:22:33:44:gg", "001:2:3:4:5:6"]) assert.equal(parseMac(text), undefined);
  });

  test("MAC addresses are written with two digits a byte", () => {
    assert.equal(formatMac(parseMac("2:0:0:0:0:A")!), "02:00:00:00:00:0a");
  });
});
