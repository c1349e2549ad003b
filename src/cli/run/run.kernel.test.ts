import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { skipWithoutNetwork, testPair, type VirtualNetwork } from "../../../test/network/network.ts";
import { buildPacket } from "../../capture/packet.ts";
import { listDeviceAttachments } from "../../kernel/hooks.ts";
import { Run } from "./testing.ts";

const closedPort = join(import.meta.dirname, "../../../examples/closed-port.ts");
const options = { skip: skipWithoutNetwork, timeout: 60_000 };

function send(network: VirtualNetwork, port: number): void {
  using sender = network.host("a").packets("eth0");
  sender.send(buildPacket(`eth / ip 192.0.2.1 > 192.0.2.2 / tcp 4000 > ${port} syn`));
}

function runArguments(file: string, network: VirtualNetwork): string[] {
  const name = network.host("b").namespace.name!;
  return ["run", file, "--attach", "xdp:eth0", "--netns", name, "-o", "json", "--interval", "0.05"];
}

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const) {
  test(`run shows what the function counts, and leaves nothing behind on ${signal}`, options, async () => {
    using network = testPair();
    await using run = new Run(...runArguments(closedPort, network), "--set", "closedPort=80");
    const attached = await run.next("attached");
    assert.deepEqual(
      listDeviceAttachments(network.host("b").namespace).map(({ hook, programId }) => ({ hook, programId })),
      [{ hook: "xdp", programId: attached["programId"] }],
    );
    send(network, 80);
    send(network, 81);
    assert.deepEqual(await run.next("value"), { packets: 1, bytes: 54 });
    run.signal(signal);
    assert.equal(await run.exitCode(), code);
    assert.deepEqual(listDeviceAttachments(network.host("b").namespace), []);
  });
}

test("ls shows what is attached, and who holds it", options, async () => {
  using network = testPair();
  await using run = new Run(...runArguments(closedPort, network));
  const attached = await run.next("attached");
  await using ls = new Run("ls", "--netns", network.host("b").namespace.name!, "-o", "json");
  const owner = await ls.next("owner");
  assert.equal(owner["pid"], run.pid);
  assert.match(String(owner["command"]), /^iovisor run /);
  assert.equal(await ls.exitCode(), 0);
  assert.ok(Number(attached["programId"]) > 0);
});

test("run ends by itself with --for", options, async () => {
  using network = testPair();
  await using run = new Run(...runArguments(closedPort, network), "--for", "0.2");
  await run.next("attached");
  assert.equal(await run.exitCode(), 0);
  assert.deepEqual(listDeviceAttachments(network.host("b").namespace), []);
});

test("run --watch replaces the function by a saved edit, and keeps it on a faulty one", options, async (t) => {
  using network = testPair();
  const folder = mkdtempSync(join(tmpdir(), "iov-run-"));
  try {
    const file = join(folder, "closed-port.ts");
    copyFileSync(closedPort, file);
    const source = readFileSync(file, "utf8");
    await using run = new Run(...runArguments(file, network), "--watch");
    await run.next("attached");
    send(network, 9999);
    assert.deepEqual(await run.next("value"), { packets: 1, bytes: 54 });
    writeFileSync(file, source.replace("9999", '"9999"'));
    const error = await run.next("error");
    assert.equal(error["code"], "E_DIAGNOSTICS");
    send(network, 9999);
    assert.deepEqual(await run.next("value"), { packets: 2, bytes: 108 }, "the version before goes on running");
    const times: number[] = [];
    for (const port of [1001, 1002, 1003]) {
      writeFileSync(file, source.replace("9999", String(port)));
      const replaced = await run.next("replaced");
      assert.deepEqual(replaced["kept"], ["usage"]);
      times.push(Number(replaced["milliseconds"]));
    }
    t.diagnostic(`edit to live: ${times.join(", ")} ms`);
    send(network, 9999);
    send(network, 1003);
    assert.deepEqual(await run.next("value"), { packets: 3, bytes: 162 });
    run.signal("SIGINT");
    assert.equal(await run.exitCode(), 130);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("run says what is missing, and attaches nothing", options, async () => {
  using network = testPair();
  const name = network.host("b").namespace.name!;
  const fails = async (args: readonly string[], code: string) => {
    await using run = new Run("run", closedPort, ...args);
    assert.equal(await run.exitCode(), 1, code);
  };
  await fails(["--attach", "xdp:eth7", "--netns", name], "E_NO_DEVICE");
  await fails(["--attach", "xdp:eth0", "--attach", "tcx-ingress:eth7", "--netns", name], "E_NO_DEVICE");
  await fails(["--attach", "xdp:eth0", "--netns", `${name}-not`], "E_NO_NAMESPACE");
  await fails(["--attach", "xdp:eth0", "--netns", name, "--set", "closedPort=70000"], "E_SETTING");
  assert.deepEqual(listDeviceAttachments(network.host("b").namespace), []);
});
