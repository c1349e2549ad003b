import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { IovisorError } from "../errors.ts";
import { peerCredentials } from "../kernel/peer-credentials.ts";

/** Who sent a request: a process of this machine, or somebody on the network who must show the token. */
export type Caller =
  | { readonly kind: "local"; readonly pid: number; readonly uid: number; readonly gid: number }
  | { readonly kind: "network"; readonly address: string };

/** Callers by connection. */
export class Callers {
  readonly #known = new WeakMap<object, Caller>();
  readonly #tokenHash: Buffer | undefined;

  /** @param token that network callers must show */
  constructor(token: string | undefined) {
    this.#tokenHash = token === undefined ? undefined : hashOf(token);
  }

  /** A connection of the unix socket. The kernel says who made it. */
  addLocal(socket: Socket): void {
    const handle = (socket as unknown as { readonly _handle?: { readonly fd?: number } })._handle;
    const credentials = handle?.fd === undefined ? undefined : peerCredentials(handle.fd);
    if (credentials) this.#known.set(socket, { kind: "local", ...credentials });
  }

  addNetwork(socket: Socket): void {
    this.#known.set(socket, { kind: "network", address: `${socket.remoteAddress}:${socket.remotePort}` });
  }

  /** @throws E_UNAUTHORIZED */
  identify(socket: object, authorization: string | undefined): Caller {
    const caller = this.#known.get(socket);
    if (caller?.kind === "local") return caller;
    if (caller && this.#isToken(/^Bearer +(?<token>\S+)$/i.exec(authorization ?? "")?.groups?.["token"])) return caller;
    const remedy = "send `Authorization: Bearer` with the token of the daemon's token file";
    const what = authorization === undefined ? "no token came with the request" : "the token is not the daemon's";
    throw new IovisorError("E_UNAUTHORIZED", what, remedy);
  }

  /** Hashes are compared, in constant time: neither length nor content of the token shows in the time that it takes. */
  #isToken(token: string | undefined): boolean {
    return token !== undefined && this.#tokenHash !== undefined && timingSafeEqual(hashOf(token), this.#tokenHash);
  }
}

function hashOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** How a caller is recorded with a revision: "root (uid 0, pid 4711)". */
export function authorOf(caller: Caller): string {
  if (caller.kind === "network") return `token (${caller.address})`;
  return `${userName(caller.uid) ?? "user"} (uid ${caller.uid}, pid ${caller.pid})`;
}

function userName(uid: number): string | undefined {
  return databaseLine("/etc/passwd", (fields) => fields[2] === String(uid))?.[0];
}

/** The number of a group of this machine. */
export function groupId(name: string): number | undefined {
  const id = databaseLine("/etc/group", (fields) => fields[0] === name)?.[2];
  return id === undefined ? undefined : Number(id);
}

/** A line of passwd(5) or group(5), cut at its colons. */
function databaseLine(path: string, wanted: (fields: readonly string[]) => boolean): readonly string[] | undefined {
  try {
    const lines = readFileSync(path, "utf8").split("\n");
    return lines.map((line) => line.split(":")).find(wanted);
  } catch {
    return undefined;
  }
}
