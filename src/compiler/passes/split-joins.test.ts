import assert from "node:assert/strict";
import { test } from "node:test";
import { simplify } from "./simplify.ts";
import { splitJoins } from "./split-joins.ts";
import { after } from "./testing.ts";
import { threadJumps } from "./thread.ts";

test("the value of an optional is used without a parameter where its flag is known", () => {
  const lines = after(
    `b0:
    v1 = load u32 [v0 + 0] context
    v2 = load u32 [v0 + 4] context
    v3 = const 0
    v4 = const 1
    v5 = const 4
    v6 = address v1 + v5
    branch ule64 v6, v2 ? b1(v4, v1) : b1(v3, v3)
    b1(v7, v8):
    branch ne64 v7, v3 ? b2 : b3
    b2:
    v9 = load u8 [v8 + 1] packet
    return v9
    b3:
    return v3`,
    splitJoins,
    simplify,
    threadJumps,
  );
  assert.ok(lines.includes("branch ule64 v6, v2 ? b2 : b3"), lines.join("\n"));
  assert.ok(lines.includes("v9 = load u8 [v1 + 1] packet"), lines.join("\n"));
});

test("an edge with an unknown flag keeps the join, and both ways meet in a parameter", () => {
  const lines = after(
    `b0:
    v1 = load u8 [v0 + 0] context
    v2 = load u8 [v0 + 1] context
    v3 = const 0
    v4 = const 7
    branch eq64 v1, v3 ? b1(v4, v1) : b1(v2, v4)
    b1(v5, v6):
    v7 = add64 v6, v6
    branch eq64 v5, v4 ? b2 : b3
    b2:
    v8 = add64 v7, v6
    return v8
    b3:
    return v3`,
    splitJoins,
  );
  const text = lines.join("\n");
  assert.match(text, /b4:\nv9 = add64 v1, v1\njump b2\(v9, v1\)|b4:\nv9 = add64 v1, v1\njump b2\(v1, v9\)/);
  assert.match(text, /b2\(v\d+, v\d+\):/);
  assert.match(text, /branch eq64 v5, v4 \? b2\(v\d, v\d\) : b3/);
});

test("joins one after the other are split in rounds", () => {
  const lines = after(
    `b0:
    v1 = load u8 [v0 + 0] context
    v2 = const 0
    v3 = const 1
    branch eq64 v1, v2 ? b1(v2, v1) : b1(v3, v2)
    b1(v4, v5):
    branch eq64 v4, v2 ? b3(v2, v5) : b3(v3, v5)
    b3(v6, v7):
    branch eq64 v6, v2 ? b4 : b5
    b4:
    v8 = add64 v7, v5
    return v8
    b5:
    v9 = add64 v5, v3
    return v9`,
    splitJoins,
    simplify,
    threadJumps,
  );
  assert.ok(lines.includes("branch eq64 v1, v2 ? b4 : b5"), lines.join("\n"));
  assert.ok(lines.includes("v8 = add64 v1, v1"), lines.join("\n"));
});

test("a loop's header stays the only way into the loop", () => {
  const body = `b0:
    v1 = const 0
    v2 = const 8
    v3 = const 1
    jump b1(v1)
    b1(v4):
    branch ult64 v4, v2 ? b2 : b3
    b2:
    v5 = add64 v4, v3
    jump b1(v5)
    b3:
    return v4`;
  assert.deepEqual(after(body, splitJoins), after(body));
});

test("a join with a call is not copied", () => {
  const body = `b0:
    v1 = load u8 [v0 + 0] context
    v2 = const 0
    v3 = const 1
    branch eq64 v1, v2 ? b1(v2) : b1(v3)
    b1(v4):
    v5 = helper getCurrentPidTgid()
    branch eq64 v4, v2 ? b2 : b3
    b2:
    return v5
    b3:
    return v2`;
  const calls = (lines: readonly string[]) => lines.filter((line) => line.includes("helper")).length;
  assert.equal(calls(after(body, splitJoins)), 1);
});
