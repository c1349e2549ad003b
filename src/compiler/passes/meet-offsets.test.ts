import assert from "node:assert/strict";
import { test } from "node:test";
import { meetOffsets } from "./meet-offsets.ts";
import { after } from "./testing.ts";

/** `first` and `second` are what the two ways bring for the place of a header, v7; `rest` is what stands behind it. */
const meeting = (first: string, second: string, rest: string) => `b0:
    v1 = load u32 [v0 + 0] context
    v2 = load u16 [v1 + 12] packet
    v3 = const 0x81
    v4 = const ${first}
    v5 = const ${second}
    branch eq64 v2, v3 ? b1 : b2(v4)
    b1:
    jump b2(v5)
    b2(v7):
    ${rest}`;

const readsHeader = "v8 = address v1 + v7\nv9 = load u8 [v8 + 0] packet\nreturn v9";

test("a place in the packet that ways bring as constants is a byte of a word in memory", () => {
  const lines = after(meeting("14", "18", readsHeader), meetOffsets);
  assert.deepEqual(
    lines.filter((line) => /store|stack|const 0x[0-9a-f]{3}|const \d{4}|jump|address|^b/.test(line)),
    [
      ...["b0:", "v11 = const 3584", "store u64 [v10 + 0] stack, v11", "branch eq64 v2, v3 ? b1 : b2"],
      ...["b1:", "v13 = const 4608", "store u64 [v12 + 0] stack, v13", "jump b2"],
      ...["b2:", "v15 = load u8 [v14 + 1] stack", "v8 = address v1 + v15"],
    ],
  );
});

test("what is no place in the packet, is the same on all ways, or is more than a byte stays a parameter", () => {
  for (const body of [
    meeting("14", "18", "return v7"),
    meeting("14", "18", "v6 = slot s0\nv8 = address v6 + v7\nv9 = load u8 [v8 + 0] stack\nreturn v9"),
    meeting("14", "14", readsHeader),
    meeting("14", "256", readsHeader),
  ]) {
    const slots = body.includes("s0") ? `slot s0: 64 align 8\n${body}` : body;
    assert.deepEqual(after(slots, meetOffsets), after(slots));
  }
});

test("a place that grows from round to round of a loop stays a parameter", () => {
  const body = `b0:
    v1 = load u32 [v0 + 0] context
    v2 = const 14
    v3 = const 18
    jump b1(v2)
    b1(v4):
    v5 = address v1 + v4
    v6 = load u8 [v5 + 0] packet
    branch eq64 v6, v3 ? b1(v3) : b2
    b2:
    return v6`;
  assert.deepEqual(after(body, meetOffsets), after(body));
});
