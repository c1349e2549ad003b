import assert from "node:assert/strict";
import { test } from "node:test";
import { toJson } from "./json.ts";

test("writes integers of any size in full, bytes as digits, maps as objects", () => {
  const value = { count: 2n ** 64n - 1n, small: 1n, mac: Uint8Array.of(2, 0, 255), why: new Map([["a", "b"]]) };
  assert.equal(toJson(value), '{"count":18446744073709551615,"small":1,"mac":"0200ff","why":{"a":"b"}}');
});
