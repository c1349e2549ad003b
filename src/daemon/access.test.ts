import assert from "node:assert/strict";
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import { promisify } from "node:util";
import { skipWithoutNetwork } from "../../test/network/network.ts";
import type { NetworkOptions } from "./daemon.ts";
import { dataPathName, TestDaemon, TestFolder } from "./testing.ts";

const options = { skip: skipWithoutNetwork, timeout: 120_000 };
const token = "a-token-that-is-long-enough";

const run = promisify(execFile);

/** What curl says as another user: its exit code is 7 when it cannot connect. */
async function curlAs(user: readonly string[], ...args: readonly string[]) {
  const [command = "", ...rest] = [...user, "curl", "-s", "--max-time", "10", ...args];
  try {
    const { stdout } = await run(command, rest, { cwd: "/" });
    return { code: 0, text: stdout };
  } catch (error) {
    const { code, stdout } = error as { readonly code: number; readonly stdout: string };
    return { code, text: stdout };
  }
}

test("the socket is root's and the group's: others cannot connect", options, async () => {
  using folder = new TestFolder();
  chmodSync(folder.path, 0o755);
  await using daemon = await TestDaemon.start(folder, { group: "daemon" });
  const { mode, uid, gid } = statSync(daemon.socket);
  const group = Number(/^daemon:[^:]*:(\d+)/m.exec(readFileSync("/etc/group", "utf8"))![1]);
  assert.deepEqual([mode & 0o777, uid, gid], [0o660, 0, group]);
  const at = ["--unix-socket", daemon.socket, "http://x/v1/health"];
  assert.match((await curlAs([], ...at)).text, /"status":"ok"/);
  const nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--no-new-privs"];
  assert.equal((await curlAs(nobody, ...at)).code, 7);
  const member = ["setpriv", "--reuid", "65534", "--regid", "65534", "--groups", String(group), "--no-new-privs"];
  assert.match((await curlAs(member, ...at)).text, /"status":"ok"/);
});

test("the caller's identity is the kernel's word, whatever the request says", options, async () => {
  using folder = new TestFolder();
  chmodSync(folder.path, 0o755);
  await using daemon = await TestDaemon.start(folder, { group: "daemon" });
  const group = statSync(daemon.socket).gid;
  const graph = JSON.stringify({ functions: { m: { kind: folder.marker } } });
  const put = ["-X", "PUT", "-H", "content-type: application/json", "-H", "from: root", "-d", graph];
  const user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--groups", String(group)];
  const { code } = await curlAs(user, ...put, "--unix-socket", daemon.socket, "http://x/v1/graph");
  assert.equal(code, 0);
  const { body } = await daemon.get("/v1/revisions");
  assert.match(body.revisions[0].author, /^nobody \(uid 65534, pid \d+\)$/);
});

test("one daemon for a data path; a socket that nobody serves is replaced, another one is not", options, async () => {
  using folder = new TestFolder();
  const socket = join(folder.path, "socket");
  const name = dataPathName();
  {
    await using _daemon = await TestDaemon.start(folder, { name });
    const second = { name, socket: join(folder.path, "other"), state: join(folder.path, "other-state") };
    await assert.rejects(TestDaemon.start(folder, second), { code: "E_BUSY", message: /another daemon works on/ });
    await assert.rejects(TestDaemon.start(folder), { code: "E_BUSY", message: /another process listens on/ });
  }
  assert.equal(existsSync(socket), false);
  // What a killed process leaves: a socket without a listener.
  const script = `require("net").createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 9))`;
  spawnSync(process.execPath, ["-e", script]);
  assert.ok(statSync(socket).isSocket());
  {
    await using daemon = await TestDaemon.start(folder, { name });
    assert.equal((await daemon.get("/v1/health")).body.name, name);
  }
  writeFileSync(socket, "a file");
  await assert.rejects(TestDaemon.start(folder), { code: "E_BUSY", message: /is no socket/ });
  assert.equal(readFileSync(socket, "utf8"), "a file");
});

test("a start that fails leaves nothing behind", options, async () => {
  using folder = new TestFolder();
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
  });
  const name = dataPathName();
  const network = { ...certificate(folder), host: "127.0.0.1", port, token };
  await assert.rejects(TestDaemon.start(folder, { name, network }), { code: "E_BUSY" });
  assert.equal(existsSync(join(folder.path, "socket")), false);
  assert.equal(existsSync(`/sys/fs/bpf/iovisor/${name}`), false);
  server.close();
  await using _daemon = await TestDaemon.start(folder, { name });
});

function certificate(folder: TestFolder): Pick<NetworkOptions, "certificate" | "key"> {
  const files = { certificate: join(folder.path, "cert.pem"), key: join(folder.path, "key.pem") };
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", files.key];
  execFileSync("openssl", ["req", "-x509", "-days", "1", ...key, "-out", files.certificate, ...subject], {
    stdio: "ignore",
  });
  return files;
}

interface NetworkAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

async function overNetwork(address: string, ca: Buffer, authorization?: string, method = "GET", body?: string) {
  return await new Promise<NetworkAnswer>((resolve, reject) => {
    const headers = {
      ...(authorization === undefined ? {} : { authorization }),
      ...(body === undefined ? {} : { "content-type": "application/json", "content-length": body.length }),
    };
    const path = body === undefined ? "/v1/health" : "/v1/graph";
    const outgoing = request(`${address}${path}`, { ca, headers, method, agent: false }, async (response) => {
      let text = "";
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode!, headers: response.headers, text });
    });
    outgoing.once("error", reject);
    outgoing.end(body);
  });
}

test("the network is served with TLS, to those who have the token", options, async () => {
  using folder = new TestFolder();
  const files = certificate(folder);
  await using daemon = await TestDaemon.start(folder, { network: { ...files, host: "127.0.0.1", port: 0, token } });
  const address = daemon.daemon.addresses[1]!;
  assert.match(address, /^https:\/\/127\.0\.0\.1:\d+$/);
  const ca = readFileSync(files.certificate);
  for (const authorization of [
    undefined,
    "Bearer wrong",
    `Bearer ${token}x`,
    `Basic ${token}`,
    "Bearer",
    `Bearer ${token.slice(1)}`,
  ]) {
    const { status, headers, text } = await overNetwork(address, ca, authorization);
    assert.deepEqual([status, headers["www-authenticate"]], [401, "Bearer"], authorization);
    assert.equal(JSON.parse(text).code, "E_UNAUTHORIZED");
  }
  assert.equal((await overNetwork(address, ca, `Bearer ${token}`)).status, 200);
  const graph = JSON.stringify({ functions: { m: { kind: folder.marker } } });
  assert.equal((await overNetwork(address, ca, undefined, "PUT", graph)).status, 401);
  assert.equal((await daemon.get("/v1/revisions")).body.live, 0);
  assert.equal((await overNetwork(address, ca, `bearer ${token}`, "PUT", graph)).status, 200);
  assert.match((await daemon.get("/v1/revisions")).body.revisions[0].author, /^token \(127\.0\.0\.1:\d+\)$/);
});

test("the network is not served without TLS, nor with an old one", options, async () => {
  using folder = new TestFolder();
  const files = certificate(folder);
  await using daemon = await TestDaemon.start(folder, { network: { ...files, host: "127.0.0.1", port: 0, token } });
  const port = new URL(daemon.daemon.addresses[1]!).port;
  const { text } = await curlAs([], `http://127.0.0.1:${port}/v1/health`);
  assert.doesNotMatch(text, /"status":"ok"/);
  await assert.rejects(
    new Promise<void>((resolve, reject) => {
      const socket = connectTls(
        { port: Number(port), ca: readFileSync(files.certificate), maxVersion: "TLSv1.1", minVersion: "TLSv1" },
        resolve,
      );
      socket.once("error", reject);
    }),
  );
  assert.equal((await daemon.get("/v1/health")).status, 200);
});
