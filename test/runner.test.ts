import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { totals } from "../scripts/test/report.ts";
import { type Outcome, runTestFile } from "../scripts/test/test-file.ts";

const root = join(import.meta.dirname, "..");
const head = `import { describe, it, test } from "node:test"; import assert from "node:assert/strict";\n`;

/** Runs `body` as a test file, as `npm test` does. */
async function run(body: string, limitSeconds = 20): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "iovisor-runner-"));
  try {
    const path = join(folder, "made.test.ts");
    writeFileSync(path, head + body);
    return await runTestFile(path, { root, limitSeconds, preload: [] });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("counts passes, failures and skips, each with its full name, reason or error", async () => {
  const outcome = await run(`describe("outer", () => {
    it("holds", () => {});
    it("breaks", () => assert.equal(1, 2));
    it("waits", { skip: "needs a moon" }, () => {});
  });`);
  assert.equal(outcome.passed, 1);
  assert.deepEqual(outcome.skips, [{ kind: "skip", name: "outer > waits", reason: "needs a moon" }]);
  assert.deepEqual(
    outcome.failures.map((failure) => failure.name),
    ["outer > breaks"],
  );
  assert.match(outcome.failures[0]?.text ?? "", /1 !== 2/);
  assert.equal(totals([outcome]), "1 passed, 1 failed, 1 skipped");
});

test("fails a test that is skipped without a reason", async () => {
  const outcome = await run(`test("x", (t) => t.skip());`);
  assert.match(outcome.failures[0]?.text ?? "", /without a reason/);
});

test("shows what a failing file printed and noted", async () => {
  const outcome = await run(
    `test("x", (t) => { console.log("printed"); t.diagnostic("seed 42"); throw new Error("e"); });`,
  );
  assert.match(outcome.failures[0]?.text ?? "", /Error: e[\s\S]*seed 42[\s\S]*printed/);
});

test("fails a file that throws while it loads", async () => {
  const outcome = await run(`throw new Error("at load");`);
  assert.match(outcome.failures[0]?.text ?? "", /before its tests were through[\s\S]*at load/);
});

test("fails a file whose process exits early with code 0", async () => {
  const outcome = await run(`test("x", () => process.exit(0));`);
  assert.match(outcome.failures[0]?.text ?? "", /gave no results/);
});

test("fails a file that has no test", async () => {
  const outcome = await run("");
  assert.match(outcome.failures[0]?.text ?? "", /has no test, or/);
});

test("fails a file whose exit code is not 0 although its tests pass", async () => {
  const outcome = await run(`test("x", () => {}); process.on("exit", () => { process.exitCode = 3; });`);
  assert.match(outcome.failures[0]?.text ?? "", /exit code 3/);
});

test("stops a file that hangs, busy or idle", async () => {
  for (const hang of ["for (;;);", "await new Promise(() => setInterval(() => {}, 1000));"]) {
    const outcome = await run(`test("x", async () => { ${hang} });`, 1);
    assert.match(outcome.failures[0]?.text ?? "", /was stopped after 1 s/);
  }
});

test("names and kills processes that a file leaves running", async () => {
  const outcome = await run(`import { spawn } from "node:child_process";
    test("x", () => {
      const child = spawn("sleep", ["60"], { stdio: "ignore" });
      child.unref();
      console.log("pid " + child.pid);
    });`);
  const text = outcome.failures[0]?.text ?? "";
  assert.match(text, /left processes running/);
  assert.throws(() => process.kill(Number(/pid (\d+)/.exec(text)?.[1]), 0), { code: "ESRCH" });
});
