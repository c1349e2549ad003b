import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { skipWithoutNetwork, testPair, type VirtualNetwork } from "../../../test/network/network.ts";
import { Cgroup } from "../../kernel/cgroups.ts";
import { supports } from "../../kernel/features.ts";
import { listCgroupAttachments, listDeviceAttachments } from "../../kernel/hooks.ts";
import { uniqueName } from "../../kernel/testing.ts";
import { main, Run } from "./testing.ts";

const examples = join(import.meta.dirname, "../../../examples");
const closedPort = join(examples, "closed-port.ts");
const options = { skip: skipWithoutNetwork, timeout: 60_000 };
const withTcx = { ...options, skip: skipWithoutNetwork || (supports("tcx") ? false : "this kernel has no TCX") };
const withoutSysAdmin = ["--bounding-set=-sys_admin", "--inh-caps=-all"];
const setpriv = spawnSync("setpriv", [...withoutSysAdmin, "true"]).status === 0;
const withSetpriv = {
  ...options,
  skip: skipWithoutNetwork || (setpriv ? false : "setpriv(1) cannot drop rights here"),
};

function runArguments(network: VirtualNetwork, ...hooks: readonly string[]): string[] {
  const attach = hooks.flatMap((hook) => ["--attach", `${hook}:eth0`]);
  const name = network.host("b").namespace.name!;
  return ["run", closedPort, ...attach, "--netns", name, "-o", "json", "--interval", "0.05"];
}

for (const hook of ["xdp", "tcx-ingress"]) {
  test(`run at ${hook} ends with an error when its device goes`, options, async () => {
    using network = testPair();
    const host = network.host("b");
    await using run = new Run(...runArguments(network, hook));
    await run.next("attached");
    host.exec("ip", ["link", "del", "dev", "eth0"]);
    assert.equal(await run.exitCode(), 1);
    const { error } = JSON.parse(run.errors);
    assert.deepEqual(
      [error.code, error.message],
      ["E_NO_DEVICE", `${hook} of eth0 is gone, and program "default" with it`],
    );
  });
}

test("run goes on with what is left when a control group goes", options, async () => {
  const [gone, stays] = [Cgroup.create(uniqueName()), Cgroup.create(uniqueName())];
  const attach = [gone, stays].flatMap(({ path }) => ["--attach", `cgroup-connect4:${path}`]);
  try {
    await using run = new Run("run", join(examples, "connect-guard.ts"), ...attach, "-o", "json", "--interval", "0.05");
    await run.next("attached");
    await run.next("attached");
    gone.remove();
    assert.deepEqual(await run.next("lost"), { hook: "cgroup-connect4", target: gone.path, program: "guard4" });
    assert.equal(listCgroupAttachments(stays.path).length, 1);
    run.signal("SIGTERM");
    assert.equal(await run.exitCode(), 143);
  } finally {
    stays.remove();
  }
});

test("run tells who else is attached at its place, and leaves them there", withTcx, async () => {
  using network = testPair();
  await using first = new Run(...runArguments(network, "tcx-ingress"));
  const { programId, before, after } = await first.next("attached");
  assert.deepEqual([before, after], [[], []]);
  await using second = new Run(...runArguments(network, "tcx-ingress"), "--for", "0.2");
  const attached = await second.next("attached");
  assert.deepEqual(
    (attached["before"] as { programId: number; programName: string }[]).map((one) => [one.programId, one.programName]),
    [[programId, "default"]],
  );
  assert.equal(await second.exitCode(), 0);
  const left = listDeviceAttachments(network.host("b").namespace);
  assert.deepEqual(
    left.map((one) => one.programId),
    [programId],
  );
});

test("run on a device with another XDP program names it", options, async () => {
  using network = testPair();
  await using first = new Run(...runArguments(network, "xdp"));
  const { programId } = await first.next("attached");
  await using second = new Run(...runArguments(network, "xdp"));
  assert.equal(await second.exitCode(), 1);
  const { error } = JSON.parse(second.errors);
  assert.equal(error.code, "E_BUSY");
  assert.match(error.message, new RegExp(`another owner: program ${programId} "default", attached by link`));
});

test("run needs no CAP_SYS_ADMIN where it enters no namespace", withSetpriv, () => {
  using network = testPair();
  const args = ["run", closedPort, "--attach", "xdp:eth0", "--attach", "tcx-egress:eth0", "--for", "0.2", "-o", "json"];
  const command = [
    "netns",
    "exec",
    network.host("b").namespace.name!,
    "setpriv",
    ...withoutSysAdmin,
    process.execPath,
    main,
  ];
  const { status, stdout, stderr } = spawnSync("ip", [...command, ...args], { encoding: "utf8", timeout: 50_000 });
  assert.equal(status, 0, stderr);
  assert.equal(stdout.match(/"attached"/g)?.length, 2);
  const ls = spawnSync("ip", [...command, "ls"], { encoding: "utf8", timeout: 50_000 });
  assert.equal(ls.status, 1, "it cannot know, so it does not say that nothing is attached");
  assert.match(ls.stderr, /CAP_SYS_ADMIN \[E_PERMISSION\]/);
});

test("run ends with one error, detached, when its output cannot be written", options, () => {
  using network = testPair();
  const full = openSync("/dev/full", "w");
  using _closing = { [Symbol.dispose]: () => closeSync(full) };
  const { status, stderr } = spawnSync(process.execPath, [main, ...runArguments(network, "xdp")], {
    stdio: ["ignore", full, "pipe"],
    encoding: "utf8",
    timeout: 50_000,
  });
  assert.equal(
    stderr,
    "error: the output cannot be written: ENOSPC: no space left on device\n  make room, or send it elsewhere [E_SYSCALL]\n",
  );
  assert.equal(status, 1);
  assert.deepEqual(listDeviceAttachments(network.host("b").namespace), []);
});
