import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseSettings } from "./settings.ts";

test("reads names, fields and lists", () => {
  assert.deepEqual(parseSettings(["port=80", "limits.burst=5", "limits.rate=1=2", 'ports=[1, "2-3"]', "empty="]), {
    port: "80",
    limits: { burst: "5", rate: "1=2" },
    ports: [1, "2-3"],
    empty: "",
  });
});

test("a later value takes an earlier one's place", () => {
  assert.deepEqual(parseSettings(["a=1", "a=2", "a.b=3"]), { a: { b: "3" } });
});

test("reads JSON from files and keeps the digits of large integers", () => {
  const folder = mkdtempSync(join(tmpdir(), "iov-settings-"));
  try {
    const file = join(folder, "rules.json");
    writeFileSync(file, '[{ "id": 18446744073709551615 }]');
    assert.deepEqual(parseSettings([`rules=@${file}`]), { rules: [{ id: "18446744073709551615" }] });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("says what is wrong with a setting", () => {
  const refuses = (text: string, message: RegExp) => {
    assert.throws(() => parseSettings([text]), { code: "E_USAGE", message });
  };
  refuses("port", /"port" is not a setting/);
  refuses("=1", /is not a setting/);
  refuses("a..b=1", /does not name a setting/);
  refuses("__proto__.x=1", /does not name a setting/);
  refuses("rules=[1,", /rules=\[1,/);
  refuses("rules=@/no/such/file", /\/no\/such\/file cannot be read/);
});
