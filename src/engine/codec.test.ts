import assert from "node:assert/strict";
import { test } from "node:test";
import type { Layout } from "../compiler/hir/layout.ts";
import { IovisorError } from "../errors.ts";
import { Codec } from "./codec.ts";

const u64: Layout = { kind: "integer", bits: 64, signed: false, order: "native" };

test("what does not fit is told, whatever it is", () => {
  const circular: unknown[] = [];
  circular.push(circular);
  for (const [value, shown] of [
    [[1n, "two"], '["1","two"]'],
    [{ a: 5n }, '{"a":"5"}'],
    [circular, "a list"],
    [undefined, "nothing"],
    ["x".repeat(100), `"${"x".repeat(59)}...`],
  ] as const) {
    assert.throws(
      () => new Codec<unknown>(u64).encode(value),
      (error) => error instanceof IovisorError && error.code === "E_USAGE" && error.message.endsWith(`, got ${shown}`),
    );
  }
});
