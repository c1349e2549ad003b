import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { DiagnosticsError } from "../engine/diagnostics-error.ts";
import { IovisorError } from "../errors.ts";
import { describeError } from "./report.ts";

const describe = (...args: Parameters<typeof describeError>) => stripVTControlCharacters(describeError(...args));

test("an expected error says what, how to mend it, and its code", () => {
  const error = new IovisorError("E_NO_DEVICE", 'no device "eth9"', "list them with `ip link`");
  assert.equal(describe(error), 'error: no device "eth9"\n  list them with `ip link` [E_NO_DEVICE]');
  assert.deepEqual(JSON.parse(describe(error, { output: "json" })), {
    error: { code: "E_NO_DEVICE", message: 'no device "eth9"', remedy: "list them with `ip link`" },
  });
});

test("an unexpected error shows its stack only when asked", () => {
  const error = new TypeError("boom");
  assert.match(describe(error), /^unexpected error: boom\n.*--debug/);
  assert.doesNotMatch(describe(error), /\n\s+at /);
  assert.match(describe(error, { debug: true }), /report\.test\.ts/);
});

test("diagnostics are lines in tsc's format", () => {
  const at = { file: "/src/x.ts", line: 3, column: 5, length: 2 };
  const error = new DiagnosticsError([
    { ...at, code: "TS2322", message: "wrong type" },
    { ...at, line: 4, code: "IOV1007", message: "no bound", remedy: "write one" },
  ]);
  assert.equal(
    describe(error),
    `/src/x.ts(3,5): error TS2322: wrong type
/src/x.ts(4,5): error IOV1007: no bound [write one]
2 errors [E_DIAGNOSTICS]`,
  );
});
