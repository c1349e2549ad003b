import { chmodSync, chownSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect } from "node:net";
import { dirname, resolve } from "node:path";
import { problemType } from "../api/problem.ts";
import { makeFolder, systemReason } from "../engine/files.ts";
import { IovisorError } from "../errors.ts";
import { type Callers, groupId } from "./callers.ts";
import { problemOf } from "./problems.ts";

/** A server and how it is closed: connections that do nothing end at once, others have some time. */
export interface Listener {
  readonly address: string;
  close(): Promise<void>;
}

/** Time for answers that are under way when the daemon ends. */
const graceMilliseconds = 3000;
const idleMilliseconds = 20;
/** sun_path of struct sockaddr_un (unix(7)) without its end. */
const longestSocketPath = 107;
/** rw-rw----: whoever may write to the socket may program the machine's network. */
const socketMode = 0o660;

/**
 * Listens on a unix socket that root and a group may use. A socket that nobody listens on any more is replaced.
 *
 * @throws E_BUSY when somebody listens there, E_USAGE
 */
export async function listenLocal(
  path: string,
  group: string | undefined,
  handle: RequestListener,
  callers: Callers,
): Promise<Listener> {
  const gid = group === undefined ? undefined : groupId(group);
  if (group !== undefined && gid === undefined) {
    throw new IovisorError("E_USAGE", `there is no group "${group}"`, "`getent group` lists the groups");
  }
  if (Buffer.byteLength(path) > longestSocketPath) {
    const message = `the path of the socket has ${Buffer.byteLength(path)} bytes, ${longestSocketPath} are the most`;
    throw new IovisorError("E_USAGE", message, "choose a shorter path");
  }
  await removeStale(path);
  makeSocketFolder(dirname(path));
  const server = createServer(handle);
  answerNonsense(server);
  server.on("connection", (socket) => callers.addLocal(socket));
  await started(server, (done) => listenMasked(server, path, done), path);
  if (gid !== undefined) chownSync(path, process.getuid?.() ?? 0, gid);
  chmodSync(path, socketMode);
  return { address: path, close: () => closeServer(server) };
}

function makeSocketFolder(folder: string): void {
  try {
    makeFolder(resolve(folder));
  } catch (cause) {
    const message = `the socket's folder ${folder} cannot be made: ${systemReason(cause)}`;
    throw new IovisorError("E_USAGE", message, "choose another path for the socket", { cause });
  }
}

/** The mask makes the socket what it is to be from its first moment on: Node binds it before this returns. */
function listenMasked(server: Server, path: string, done: () => void): void {
  const mask = process.umask(0o777 & ~socketMode);
  try {
    server.listen(path, done);
  } finally {
    process.umask(mask);
  }
}

/** Listens on the network, with TLS only. @throws E_USAGE */
export async function listenNetwork(
  { host, port }: { readonly host: string; readonly port: number },
  { certificate, key }: { readonly certificate: string; readonly key: string },
  handle: RequestListener,
  callers: Callers,
): Promise<Listener> {
  const server = tlsServer(certificate, key, handle);
  answerNonsense(server);
  server.on("secureConnection", (socket) => callers.addNetwork(socket));
  await started(server, (done) => server.listen(port, host, done), `${host}:${port}`);
  const address = server.address();
  const bound = typeof address === "object" && address ? address.port : port;
  return { address: `https://${host.includes(":") ? `[${host}]` : host}:${bound}`, close: () => closeServer(server) };
}

function tlsServer(certificate: string, key: string, handle: RequestListener) {
  try {
    const files = { cert: readFileSync(certificate), key: readFileSync(key) };
    return createTlsServer({ ...files, minVersion: "TLSv1.2" }, handle);
  } catch (cause) {
    const message = `the TLS certificate or key cannot be used: ${(cause as Error).message}`;
    throw new IovisorError("E_USAGE", message, "give PEM files that belong together", { cause });
  }
}

/** What is no HTTP is answered as well, as far as it can be. */
function answerNonsense(server: Server): void {
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable) return;
    const text = JSON.stringify(problemOf(Object.assign(error, { statusCode: 400 })));
    const length = Buffer.byteLength(text);
    const headers = [`content-type: ${problemType}`, `content-length: ${length}`, "connection: close"];
    socket.end(["HTTP/1.1 400 Bad Request", ...headers, "", text].join("\r\n"));
  });
}

async function started(server: Server, listen: (done: () => void) => void, where: string): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      listen(resolve);
    });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const message = `cannot listen on ${where}: ${code ?? (cause as Error).message}`;
    throw new IovisorError(code === "EADDRINUSE" ? "E_BUSY" : "E_USAGE", message, "choose another place", { cause });
  }
}

async function removeStale(path: string): Promise<void> {
  const there = statSync(path, { throwIfNoEntry: false });
  if (!there) return;
  if (!there.isSocket()) throw new IovisorError("E_BUSY", `${path} is no socket`, "choose another path for the socket");
  if (await answers(path)) {
    throw new IovisorError("E_BUSY", `another process listens on ${path}`, "end it, or choose another path");
  }
  rmSync(path, { force: true });
}

async function answers(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    return await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true));
      // A full queue of connections is a sign of life as well.
      socket.once("error", ({ code }: NodeJS.ErrnoException) => resolve(code === "EAGAIN"));
    });
  } finally {
    socket.destroy();
  }
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  // A connection whose answer was just sent is idle a moment later, and would be kept for the next request.
  const idle = setInterval(() => server.closeIdleConnections(), idleMilliseconds);
  const late = setTimeout(() => server.closeAllConnections(), graceMilliseconds);
  await closed;
  clearInterval(idle);
  clearTimeout(late);
}
