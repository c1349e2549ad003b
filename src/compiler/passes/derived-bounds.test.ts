import assert from "node:assert/strict";
import { test } from "node:test";
import { useDerivedBounds } from "./derived-bounds.ts";
import { after } from "./testing.ts";

/** `place` is v3; `rest` runs where it is below 64. */
const behindComparison = (rest: string) => `b0:
    v1 = load u64 [v0 + 0] context
    v2 = const 64
    v3 = load u64 [v0 + 8] context
    v4 = const 54
    v5 = const 117
    v6 = const 0
    v7 = const 116
    branch ult64 v3, v2 ? b1 : b3
    b1:
    ${rest}
    b2:
    return v2
    b3:
    return v6`;

test("a sum is bounded by what a comparison told of its operand before", () => {
  const settled = after(behindComparison("v8 = add64 v3, v4\nbranch ule64 v8, v5 ? b2 : b3"), useDerivedBounds);
  assert.ok(settled.includes("jump b2"));
  const open = after(behindComparison("v8 = add64 v3, v4\nbranch ule64 v8, v7 ? b2 : b3"), useDerivedBounds);
  assert.ok(open.includes("branch ule64 v8, v7 ? b2 : b3"));
});

test("a sum from before the comparison stays unknown: the verifier does not look back", () => {
  const body = `b0:
    v1 = load u64 [v0 + 0] context
    v2 = const 64
    v3 = const 54
    v4 = const 0xfffe
    v5 = add64 v1, v3
    branch ult64 v1, v2 ? b1 : b3
    b1:
    branch ule64 v5, v4 ? b2 : b3
    b2:
    return v2
    b3:
    return v3`;
  assert.deepEqual(after(body, useDerivedBounds), after(body));
});

test("a sum that may overflow stays unknown", () => {
  const body = behindComparison("v9 = const -1\nv8 = add64 v3, v9\nbranch ule64 v8, v5 ? b2 : b3");
  assert.ok(after(body, useDerivedBounds).includes("branch ule64 v8, v5 ? b2 : b3"));
});

test("the constant part of an index is added last, where the verifier sees the bound of the rest", () => {
  const lines = after(
    behindComparison("v8 = add64 v3, v4\nv9 = address v1 + v8\nv10 = load u8 [v9 + 0] packet\nreturn v10"),
    useDerivedBounds,
  );
  assert.deepEqual(
    lines.filter((line) => line.includes("address")),
    ["v11 = address v1 + v3", "v9 = address v11 + v4"],
  );
});

test("it stays where it is if the rest alone leaves the checks behind it no room", () => {
  // v3 is at most 63, the sum 117: of an index that was tested to be 116 the verifier would see 117.
  for (const [within, splits] of [
    [117, true],
    [116, false],
  ] as const) {
    const lines = after(
      behindComparison(
        `v8 = add64 v3, v4\nv9 = address v1 + v8 within ${within}\nv10 = load u8 [v9 + 0] packet\nreturn v10`,
      ),
      useDerivedBounds,
    );
    assert.equal(lines.filter((line) => line.includes("address")).length, splits ? 2 : 1);
  }
});
