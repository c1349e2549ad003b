import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { load } from "../src/index.ts";
import { skipWithoutBpf } from "../src/kernel/testing.ts";

type ExecSnoop = typeof import("./exec-snoop.ts");
const source = new URL("./exec-snoop.ts", import.meta.url);

function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString();
}

const skipWithoutStrace = skipWithoutBpf || (existsSync("/usr/bin/strace") ? false : "strace is not installed");

test("shows each of N programs once, as strace does", { skip: skipWithoutStrace, timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), `iov${process.pid}-`));
  try {
    const [marked, witness] = [join(folder, "marked"), join(folder, "strace")];
    copyFileSync("/bin/true", marked);
    using snoop = await load<ExecSnoop>(source);
    snoop.attachTracepoints();
    const count = 100;
    const script = `i=0; while [ $i -lt ${count} ]; do ${marked}; i=$((i+1)); done`;
    const child = spawn("strace", ["-f", "-qq", "-e", "trace=execve", "-o", witness, "sh", "-c", script]);
    await once(child, "exit");
    const seen: { process: number; command: string; user: number }[] = [];
    snoop.maps.execs.ring.drain((view, offset, length) => {
      const event = snoop.maps.execs.decode(view, offset, length);
      if (text(event.file) === marked) seen.push({ ...event, command: text(event.command) });
    });
    const lines = readFileSync(witness, "utf8")
      .split("\n")
      .filter((line) => line.includes(`execve("${marked}"`));
    assert.equal(lines.length, count);
    assert.deepEqual(
      seen.map(({ process }) => process),
      lines.map((line) => Number.parseInt(line, 10)),
    );
    assert.deepEqual(new Set(seen.map(({ command, user }) => `${command} ${user}`)), new Set(["marked 0"]));
    assert.equal(snoop.maps.lost.get(0), 0n);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("loses none without counting it", { skip: skipWithoutBpf, timeout: 60_000 }, async (t) => {
  // A user that nobody else is.
  const user = 1_000_000_000 + process.pid;
  using snoop = await load<ExecSnoop>(source, { settings: { user } });
  snoop.attachTracepoints();
  const count = 2000;
  const script = `for (1 .. ${count}) { system { "/bin/true" } "true" }`;
  const child = spawn("perl", ["-e", script], { uid: user, cwd: "/" });
  await once(child, "exit");
  const received = snoop.maps.execs.ring.drain((view, offset, length) => {
    assert.equal(snoop.maps.execs.decode(view, offset, length).user, user);
  });
  const lost = snoop.maps.lost.get(0)!;
  t.diagnostic(`${received} received, ${lost} lost`);
  assert.ok(lost > 0n);
  // perl itself is one more.
  assert.equal(BigInt(received) + lost, BigInt(count + 1));
});
