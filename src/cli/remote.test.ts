/** The commands over a daemon on the network, and as users who may not use the socket. */
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTcpServer, type Server as TcpServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { skipWithoutNetwork } from "../../test/network/network.ts";
import { TestDaemon, TestFolder } from "../daemon/testing.ts";
import { Client } from "./client/client.ts";
import { commands } from "./commands.ts";

const options = { skip: skipWithoutNetwork, timeout: 240_000 };
const main = join(import.meta.dirname, "main.ts");
const token = "a-token-that-is-long-enough";

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

type Environment = Readonly<Record<string, string>>;

async function iovisor(args: readonly string[], environment: Environment = {}, as: readonly string[] = []) {
  const [command = "", ...rest] = [...as, process.execPath, main, ...args];
  const { IOVISOR_SOCKET: _, ...inherited } = process.env;
  return await new Promise<Ended>((resolve) => {
    const env = { ...inherited, ...environment };
    execFile(command, rest, { env, cwd: "/", timeout: 60_000 }, (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, out, err });
    });
  });
}

async function refused(args: readonly string[], environment: Environment, message: RegExp): Promise<void> {
  const { code, err } = await iovisor(args, environment);
  assert.match(err, message);
  assert.doesNotMatch(err, /unexpected|at .*\.ts:\d/);
  assert.ok(!err.includes(token), "a token is told to nobody");
  assert.notEqual(code, 0);
}

function openssl(...args: readonly string[]): void {
  execFileSync("openssl", args, { stdio: "ignore" });
}

/** A CA and certificates that it signed; files in a folder. */
class Authority {
  readonly ca: string;
  readonly #key: string;
  readonly #folder: string;

  constructor(folder: string, name: string) {
    mkdirSync((this.#folder = join(folder, name)));
    [this.ca, this.#key] = [join(this.#folder, "ca.pem"), join(this.#folder, "ca.key")];
    openssl("req", "-x509", "-days", "2", ...this.#newKey(this.#key), "-out", this.ca, "-subj", `/CN=${name}`);
  }

  #newKey(path: string): readonly string[] {
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path];
  }

  /** @param names as subjectAltName has them */
  sign(name: string, names: string, ...validity: readonly string[]) {
    const file = (ending: string) => join(this.#folder, `${name}.${ending}`);
    openssl("req", ...this.#newKey(file("key")), "-out", file("csr"), "-subj", `/CN=${name}`);
    writeFileSync(file("ext"), `subjectAltName=${names}\n`);
    const signing = ["-CA", this.ca, "-CAkey", this.#key, "-CAcreateserial", "-extfile", file("ext")];
    openssl("x509", "-req", "-in", file("csr"), "-out", file("pem"), ...signing, ...validity);
    return { certificate: file("pem"), key: file("key") };
  }
}

function secret(folder: TestFolder, name: string, text: string): string {
  const path = join(folder.path, name);
  writeFileSync(path, `${text}\n`, { mode: 0o600 });
  return path;
}

const local = "DNS:localhost,IP:127.0.0.1,IP:::1";
const day = ["-days", "1"];
const over = ["-days", "-1"];

async function networkDaemon(folder: TestFolder, files: { readonly certificate: string; readonly key: string }) {
  const daemon = await TestDaemon.start(folder, { network: { ...files, host: "127.0.0.1", port: 0, token } });
  return { daemon, server: daemon.daemon.addresses[1]!, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() };
}

test("every command works over TLS with the token", options, async () => {
  using folder = new TestFolder();
  const authority = new Authority(folder.path, "good");
  await using remote = await networkDaemon(folder, authority.sign("daemon", local, ...day));
  const tokenFile = secret(folder, "token", token);
  const flags = ["--server", remote.server, "--token-file", tokenFile, "--ca", authority.ca];
  const environment = { IOVISOR_SERVER: remote.server, IOVISOR_TOKEN_FILE: tokenFile, IOVISOR_CA: authority.ca };
  const used = new Set<string>();
  const ok = async (...args: readonly string[]): Promise<string> => {
    used.add(args[0]!);
    // By options and by the environment in turn.
    const isOdd = used.size % 2 === 1;
    const { code, out, err } = await iovisor(isOdd ? [...args, ...flags] : args, isOdd ? {} : environment);
    assert.equal(code, 0, `${args.join(" ")}: ${err}`);
    return out;
  };
  const file = join(folder.path, "net.yaml");
  writeFileSync(file, "functions:\n  m: { kind: ./marker, config: { mark: 5 } }\n");
  assert.match(await ok("plan", "-f", file), /^\+ function m/m);
  assert.match(await ok("apply", "-f", file), /revision 1 is live/);
  assert.match(await ok("get", "instances"), /^m .*marker/m);
  assert.match(await ok("describe", "instance", "m"), /^name +m$/m);
  await ok("create", folder.marker, "n", "--port", "inside=m.outside");
  await ok("edit", "instance", "n", "mark=3");
  await ok("unlink", "m.outside");
  await ok("link", "m.outside", "n.outside");
  await ok("table", "m", "known", "add", '{"number":1,"kind":2}=7');
  assert.match(await ok("table", "m", "known", "list"), /^ +1 +2 +7$/m);
  await ok("delete", "instance", "n");
  await ok("rollback", "1");
  await ok("top", "--interval", "0.1", "--for", "0.5");
  assert.match(await ok("events"), /revision number=1/);
  assert.match(await ok("metrics"), /^iovisor_revision \d+$/m);
  await ok("capture", "m", "-w", join(folder.path, "x.pcapng"), "--for", "0.2");
  assert.ok(statSync(join(folder.path, "x.pcapng")).size > 0);
  await ok("trace", "--match", "icmp", "--for", "0.2");
  assert.deepEqual(
    commands.filter(({ isClient, name }) => isClient && !used.has(name)),
    [],
  );
  assert.match((await remote.daemon.get("/v1/revisions")).body.revisions[0].author, /^token \(127\.0\.0\.1:\d+\)$/);
});

test("without the token, or with another one, nothing is told or done", options, async () => {
  using folder = new TestFolder();
  const authority = new Authority(folder.path, "good");
  await using remote = await networkDaemon(folder, authority.sign("daemon", local, ...day));
  const environment = { IOVISOR_SERVER: remote.server, IOVISOR_CA: authority.ca };
  const get = ["get", "graph"];
  await refused(get, environment, /no token came[^\n]*\n.*--token-file FILE \(IOVISOR_TOKEN_FILE\) \[E_UNAUTHORIZED\]/);
  const wrong = secret(folder, "wrong", `${token}x`);
  await refused([...get, "--token-file", wrong], environment, /token is not the daemon's\n.*\[E_UNAUTHORIZED\]/);
  const file = join(folder.path, "net.json");
  writeFileSync(file, '{ "functions": { "m": { "kind": "acl" } } }');
  const apply = ["apply", "-f", file, "--token-file", wrong];
  await refused(apply, environment, /\[E_UNAUTHORIZED\]/);
  assert.equal((await remote.daemon.get("/v1/revisions")).body.live, 0);
  const open = secret(folder, "open", token);
  chmodSync(open, 0o644);
  await refused([...get, "--token-file", open], environment, /can be read by others\n {2}chmod 600/);
  await refused([...get, "--token-file", "/none"], environment, /token file cannot be read: ENOENT/);
});

test("a daemon whose certificate is not to be trusted never gets the token", options, async () => {
  using folder = new TestFolder();
  const [good, other] = [new Authority(folder.path, "good"), new Authority(folder.path, "other")];
  const tokenFile = secret(folder, "token", token);
  const attempt = async (server: string, ca: string | undefined, message: RegExp): Promise<void> => {
    const environment = { IOVISOR_TOKEN_FILE: tokenFile, ...(ca === undefined ? {} : { IOVISOR_CA: ca }) };
    await refused(["get", "graph", "--server", server], environment, message);
  };
  {
    await using remote = await networkDaemon(folder, good.sign("daemon", local, ...day));
    await attempt(
      remote.server,
      other.ca,
      /not signed by a CA that is trusted here[^\n]*\n.*--ca FILE.*\[E_CERTIFICATE\]/,
    );
    await attempt(remote.server, undefined, /not signed by a CA that is trusted here.*\n.*\[E_CERTIFICATE\]/);
    const port = new URL(remote.server).port;
    const named = ["--server", `https://localhost:${port}`, "--ca", good.ca, "--token-file", tokenFile];
    assert.equal((await iovisor(["get", "graph", ...named])).code, 0);
  }
  {
    using another = new TestFolder();
    await using remote = await networkDaemon(another, good.sign("expired", local, ...over));
    await attempt(remote.server, good.ca, /has expired\n.*\[E_CERTIFICATE\]/);
  }
  using third = new TestFolder();
  await using remote = await networkDaemon(third, good.sign("named", "DNS:visor.example", ...day));
  await attempt(remote.server, good.ca, /is for other names: visor\.example\n.*127\.0\.0\.1 \[E_CERTIFICATE\]/);
});

test("what is no daemon is told apart: nobody, no TLS, another service", options, async () => {
  using folder = new TestFolder();
  const authority = new Authority(folder.path, "good");
  const tokenFile = secret(folder, "token", token);
  const environment = { IOVISOR_TOKEN_FILE: tokenFile, IOVISOR_CA: authority.ca };
  const at = (server: string): readonly string[] => ["get", "graph", "--server", server];
  const heard: string[] = [];
  await using plain = await listening(
    createServer((request, response) => {
      heard.push(request.url ?? "");
      response.end();
    }),
  );
  await refused(at(plain.address("https")), environment, /does not speak TLS\n.*\[E_NO_DAEMON\]/);
  await refused(at(plain.address("http")), environment, /served over TLS only\n {2}write https:\/\/ \[E_USAGE\]/);
  assert.deepEqual(heard, []);
  const closed = await listening(createServer());
  await closed[Symbol.asyncDispose]();
  await refused(
    at(closed.address("https")),
    environment,
    /no daemon answers at https.*ECONNREFUSED\n.*\[E_NO_DAEMON\]/,
  );
  await refused(at("https://no-such-host.invalid"), environment, /there is no host no-such-host\.invalid/);
  for (const status of [401, 403, 404]) {
    await using service = await tlsService(authority, status);
    const message = status === 404 ? /is no daemon of IO Visor \(status 404\)/ : /refuses you \(status 40[13]\)/;
    await refused(at(service.address("https")), environment, message);
  }
  await using silent = await listening(createTcpServer((socket) => socket.on("error", () => undefined).resume()));
  const begun = performance.now();
  await refused(at(silent.address("https")), environment, /no daemon answers.*ETIMEDOUT/);
  assert.ok(performance.now() - begun < 20_000);
});

test("an answer over a connection that served before may take longer than a connection may", options, async () => {
  using folder = new TestFolder();
  const authority = new Authority(folder.path, "good");
  const begun: number[] = [];
  const sockets = new Set<unknown>();
  await using service = await tlsServer(authority, "slow", (request, response) => {
    sockets.add(request.socket);
    begun.push(performance.now());
    setTimeout(() => response.end("done"), request.url === "/slow" ? 11_000 : 0);
  });
  const client = new Client({ server: service.address("https"), ca: authority.ca });
  assert.equal(await client.text("/quick"), "done");
  assert.equal(await client.text("/slow"), "done");
  assert.ok(performance.now() - begun[1]! > 10_500);
  assert.equal(sockets.size, 1);
});

test("options that do not belong together are refused, and name no secret", options, async () => {
  using folder = new TestFolder();
  const get = ["get", "graph"];
  await refused([...get, "--server", "https://a", "--socket", "/b"], {}, /two places\n.*\[E_USAGE\]/);
  await refused([...get, "--ca", "/b"], {}, /for a daemon on the network\n.*\[E_USAGE\]/);
  await refused([...get, "--server", "visor:8443"], {}, /no address of a daemon\n.*https:\/\/HOST:PORT/);
  await refused([...get, "--server", `https://me:${token}@a/x`], {}, /"https:\/\/a\/x" says more than where/);
  const nothing = secret(folder, "nothing.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----");
  await refused([...get, "--server", "https://a", "--ca", nothing], {}, /holds no certificate in PEM form/);
  // An option wins over the environment.
  await refused([...get, "--socket", "/none"], { IOVISOR_SERVER: "https://a" }, /no daemon answers at \/none/);
});

test("plain HTTP to the port of the network gets nothing, and the daemon goes on", options, async () => {
  using folder = new TestFolder();
  const authority = new Authority(folder.path, "good");
  await using remote = await networkDaemon(folder, authority.sign("daemon", local, ...day));
  const { port } = new URL(remote.server);
  const head = ["GET /v1/health HTTP/1.1", "host: x", `authorization: Bearer ${token}`, "", ""].join("\r\n");
  const script = `exec 3<>/dev/tcp/127.0.0.1/${port}; printf '%s' "$1" >&3; timeout 10 cat <&3`;
  const heard = await new Promise<string>((resolve) => {
    execFile("bash", ["-c", script, "bash", head], { encoding: "latin1" }, (_error, out) => resolve(out));
  });
  assert.doesNotMatch(heard, /HTTP\/1\.1 200|"status"/);
  assert.equal((await remote.daemon.get("/v1/health")).status, 200);
});

test("who may not use the socket is told so, and is refused by the kernel", options, async () => {
  using folder = new TestFolder();
  chmodSync(folder.path, 0o755);
  await using daemon = await TestDaemon.start(folder, { group: "daemon" });
  const group = String(statSync(daemon.socket).gid);
  const user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--no-new-privs"];
  const get = ["get", "graph", "--socket", daemon.socket];
  const stranger = await iovisor(get, {}, [...user, "--clear-groups"]);
  assert.match(stranger.err, /you may not use the socket .*\n {2}be root, or a member.*--group \[E_PERMISSION\]/);
  assert.equal(stranger.code, 1);
  assert.equal((await iovisor(get, {}, [...user, "--groups", group])).code, 0);
  chmodSync(daemon.socket, 0o600);
  assert.match((await iovisor(get, {}, [...user, "--groups", group])).err, /\[E_PERMISSION\]/);
});

interface Listening extends AsyncDisposable {
  address(scheme: "http" | "https"): string;
}

async function listening(server: Server | TcpServer): Promise<Listening> {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as { port: number };
  return {
    address: (scheme) => `${scheme}://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

/** A service that is trusted, and is no daemon. */
async function tlsService(authority: Authority, status: number): Promise<Listening> {
  return await tlsServer(authority, `service${status}`, (_request, response) => {
    response.writeHead(status, { connection: "close" }).end("<html>");
  });
}

async function tlsServer(authority: Authority, name: string, answer: RequestListener): Promise<Listening> {
  const { createServer: createTlsServer } = await import("node:https");
  const { certificate, key } = authority.sign(name, local, ...day);
  const files = { cert: readFileSync(certificate), key: readFileSync(key) };
  return await listening(createTlsServer(files, answer));
}
