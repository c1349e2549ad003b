import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { test } from "node:test";
import { load } from "../src/index.ts";
import { Cgroup } from "../src/kernel/cgroups.ts";
import { skipWithoutBpf, uniqueName } from "../src/kernel/testing.ts";

type ConnectGuard = typeof import("./connect-guard.ts");
const source = new URL("./connect-guard.ts", import.meta.url);

function tryCgroup(): string | false {
  try {
    Cgroup.create(uniqueName()).remove();
    return false;
  } catch (error) {
    return `no control groups here: ${(error as Error).message}`;
  }
}

const skip = skipWithoutBpf || tryCgroup();

/** Waits for a line on its input, connects to the address and port, and says how that went. */
const client = `
  process.stdin.once("data", () => {
    const [address, port] = process.argv.slice(1);
    const socket = require("net").connect(Number(port), address);
    socket.on("connect", () => { console.log("connected"); process.exit(); });
    socket.on("error", (error) => { console.log(error.code); process.exit(); });
  });`;

async function connectFrom(group: Cgroup | undefined, address: string, port: number): Promise<string> {
  const child = spawn(process.execPath, ["-e", client, address, String(port)], { stdio: ["pipe", "pipe", "inherit"] });
  try {
    group?.addProcess(child.pid!);
    child.stdin.write("go\n");
    const [said] = await once(child.stdout, "data");
    await once(child, "exit");
    return String(said).trim();
  } finally {
    child.kill("SIGKILL");
  }
}

async function serve(address: string): Promise<Server> {
  const server = createServer((connection) => connection.destroy()).listen(0, address);
  await once(server, "listening");
  return server;
}

const portOf = (server: Server) => (server.address() as { port: number }).port;

test("refuses a group's connections by policy, and nobody else's", { skip, timeout: 30_000 }, async () => {
  const group = Cgroup.create(uniqueName());
  const servers = await Promise.all([serve("127.0.0.1"), serve("127.0.0.1"), serve("::1")]);
  const [allowed, denied, sixth] = servers.map(portOf) as [number, number, number];
  try {
    using guard = await load<ConnectGuard>(source, {
      settings: {
        ipv4: [
          { destination: "127.0.0.0/8", ports: String(denied), action: "deny" },
          { destination: "127.0.0.0/8", protocols: [6], action: "allow" },
        ],
        ipv6: [{ destination: "::1/128", ports: String(sixth), action: "deny" }],
        otherwise: "deny",
      },
    });
    assert.equal(await connectFrom(group, "127.0.0.1", denied), "connected", "before");
    guard.attach(`cgroup-connect4:${group.path}`);
    guard.attach(`cgroup-connect6:${group.path}`);
    assert.equal(await connectFrom(group, "127.0.0.1", denied), "EPERM");
    assert.equal(await connectFrom(group, "127.0.0.1", allowed), "connected");
    assert.equal(await connectFrom(group, "192.0.2.1", allowed), "EPERM", "no rule matches");
    assert.equal(await connectFrom(group, "::1", sixth), "EPERM");
    assert.equal(await connectFrom(undefined, "127.0.0.1", denied), "connected", "outside of the group");
    assert.equal(await connectFrom(undefined, "::1", sixth), "connected", "outside of the group");

    const decisions = (family: number, port: number) => guard.maps.decisions.get({ family, port });
    assert.deepEqual(decisions(2, denied), { allowed: 0n, denied: 1n });
    assert.deepEqual(decisions(2, allowed), { allowed: 1n, denied: 1n });
    assert.deepEqual(decisions(10, sixth), { allowed: 0n, denied: 1n });

    guard.configure({ ipv4: [], ipv6: [], otherwise: "allow" });
    assert.equal(await connectFrom(group, "127.0.0.1", denied), "connected", "by the new policy");
    assert.equal(await connectFrom(group, "::1", sixth), "connected", "by the new policy");
  } finally {
    for (const server of servers) server.close();
    group.remove();
  }
});
