import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { printModule } from "./compiler/hir/print.ts";
import { readModule } from "./compiler/hir/serialise.ts";
import { build, check, compileSource, DiagnosticsError, load } from "./index.ts";
import { skipWithoutBpf } from "./kernel/testing.ts";

type ClosedPort = typeof import("../examples/closed-port.ts");
const source = new URL("../examples/closed-port.ts", import.meta.url);

test("check gives all diagnostics of a source, and none for a good one", async () => {
  assert.deepEqual(await check(source), []);
  const folder = mkdtempSync(join(tmpdir(), "iov-check-"));
  try {
    const file = join(folder, "wrong.ts");
    writeFileSync(
      file,
      'import { onPacket } from "iovisor/kernel";\nexport default onPacket(() => Pass);\nwhile (1) {}\n',
    );
    const diagnostics = await check(file);
    assert.deepEqual(
      diagnostics.map((one) => [one.file, one.line]),
      [
        [file, 2],
        [file, 3],
      ],
    );
    await assert.rejects(load(file), (error) => error instanceof DiagnosticsError && error.diagnostics.length === 2);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a source that is missing, or is no module, is one clear error", async () => {
  await assert.rejects(check("no-such-file.ts"), { code: "E_USAGE", message: /no-such-file\.ts does not exist/ });
  await assert.rejects(check(tmpdir()), { code: "E_USAGE", message: /is not a file/ });
  await assert.rejects(load("package.json"), { code: "E_FORMAT" });
});

test("build gives HIR that reads as the module, and an ELF object", async () => {
  const { module } = await compileSource(source, { cache: false });
  const hir = readModule(new TextDecoder().decode(await build(source, { format: "hir" })));
  assert.equal(printModule(hir), printModule(module));
  const elf = await build(source, { settings: { closedPort: 80 } });
  assert.equal(new TextDecoder("latin1").decode(elf.subarray(0, 4)), "\x7fELF");
  await assert.rejects(build(source, { settings: { closedPort: -1 } }), { code: "E_SETTING" });
});

test("settings read as their types say, and change while it runs", { skip: skipWithoutBpf }, async () => {
  using fn = await load<ClosedPort>(source, { settings: { closedPort: "8080" } });
  assert.deepEqual(fn.settings, { closedPort: 8080, perSource: true });
  fn.maps.usage.set(7, { packets: 1n, bytes: 2n });
  fn.configure({ perSource: false });
  assert.deepEqual(fn.settings, { closedPort: 8080, perSource: false });
  assert.deepEqual([...fn.maps.usage], [[7, { packets: 1n, bytes: 2n }]]);
  assert.throws(() => fn.configure({ closedPort: 70_000 }), { code: "E_SETTING" });
  assert.equal(fn.settings.perSource, false);
});

test("a load that cannot attach leaves nothing behind", { skip: skipWithoutBpf }, async () => {
  await assert.rejects(load<ClosedPort>(source, { attach: ["xdp:iov-none"] }), { code: "E_NO_DEVICE" });
});
