import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { after, test } from "node:test";
import { Cgroup, cgroupRoot } from "../cgroups.ts";
import { leakedDescriptors, openDescriptors } from "../sys/descriptor.ts";
import { skipWithoutBpf, uniqueName } from "../testing.ts";
import { adopt, attach } from "./attach.ts";
import type { CgroupSpec } from "./cgroup.ts";
import { listCgroupAttachments } from "./ls.ts";
import { CountingProgram, loadConstant, temporaryPin } from "./testing.ts";

const before = openDescriptors();
after(() => assert.deepEqual(leakedDescriptors(before), []));

function tryCgroup(): string | false {
  try {
    Cgroup.create(uniqueName()).remove();
    return false;
  } catch (error) {
    return `no control groups here: ${(error as Error).message}`;
  }
}

const skip = skipWithoutBpf || tryCgroup();
const options = { skip, timeout: 20_000 };

/** A process that waits for a line on its input, connects to the port, and says how that went. */
const client = `
  process.stdin.once("data", () => {
    const socket = require("net").connect(Number(process.argv[1]), "127.0.0.1");
    socket.on("connect", () => { console.log("connected"); process.exit(); });
    socket.on("error", (error) => { console.log(error.code); process.exit(); });
  });`;

async function connectFrom(cgroup: Cgroup, port: number): Promise<string> {
  const child: ChildProcess = spawn(process.execPath, ["-e", client, String(port)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  try {
    cgroup.addProcess(child.pid!);
    child.stdin!.write("go\n");
    const [said] = await once(child.stdout!, "data");
    await once(child, "exit");
    return String(said).trim();
  } finally {
    child.kill("SIGKILL");
  }
}

test("a connect program refuses and allows the group's connections, and no others", options, async () => {
  const server = createServer((connection) => connection.destroy()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const inside = Cgroup.create(uniqueName());
  const outside = Cgroup.create(uniqueName());
  const load = { expectedAttachType: "cgroup_inet4_connect" } as const;
  try {
    using refuse = new CountingProgram("cgroup_sock_addr", 0, load);
    using allow = new CountingProgram("cgroup_sock_addr", 1, load);
    using attachment = attach(refuse, { hook: "cgroup-connect4", path: inside.path });
    assert.equal(await connectFrom(inside, port), "EPERM");
    assert.equal(await connectFrom(outside, port), "connected");
    assert.equal(refuse.count, 1);
    attachment.update(allow);
    assert.equal(await connectFrom(inside, port), "connected");
    assert.deepEqual([refuse.count, allow.count], [1, 1]);
    const listed = listCgroupAttachments(inside.path);
    assert.deepEqual(
      listed.map(({ hook, programId, linkId }) => [hook, programId, linkId]),
      [["cgroup-connect4", allow.id, attachment.linkId]],
    );
    attachment.detach();
    assert.deepEqual(listCgroupAttachments(inside.path), []);
  } finally {
    inside.remove();
    outside.remove();
    server.close();
  }
});

test("cgroup attachments stack, are pinned and adopted, and other owners' stay", options, () => {
  const group = Cgroup.create(uniqueName());
  const spec: CgroupSpec = { hook: "cgroup-connect6", path: group.path };
  using pin = temporaryPin();
  const { path } = pin;
  const load = { expectedAttachType: "cgroup_inet6_connect" } as const;
  try {
    using ours = loadConstant("cgroup_sock_addr", 1, load);
    using theirs = loadConstant("cgroup_sock_addr", 1, load);
    using other = attach(theirs, spec);
    const original = attach(ours, spec);
    original.pin(path);
    original.close();
    assert.equal(listCgroupAttachments(group.path).length, 2);
    assert.throws(() => adopt(path, { hook: "cgroup-connect4", path: group.path }), { code: "E_USAGE" });
    using adopted = adopt(path, spec);
    adopted.detach();
    assert.deepEqual(
      listCgroupAttachments(group.path).map(({ linkId }) => linkId),
      [other.linkId],
    );
  } finally {
    group.remove();
  }
});

test("a group is found by its directory and by its path in the hierarchy; others are refused", options, () => {
  const name = uniqueName();
  const group = Cgroup.create(name);
  try {
    assert.equal(group.path, `${cgroupRoot()}/${name}`);
    using same = Cgroup.open(`/${name}`);
    assert.equal(same.id, group.id);
    assert.throws(() => Cgroup.create(name), { code: "E_BUSY" });
    assert.throws(() => Cgroup.open("/tmp"), { code: "E_USAGE", message: /\/tmp is not a cgroup2/ });
    using program = loadConstant("cgroup_sock_addr", 1, { expectedAttachType: "cgroup_inet4_connect" });
    const wrong: CgroupSpec = { hook: "cgroup-connect6", path: group.path };
    assert.throws(() => attach(program, wrong), { errno: 22, remedy: /loaded for cgroup-connect6/ });
  } finally {
    group.remove();
  }
});
