import { type ClientRequest, type IncomingMessage, type RequestOptions as NodeOptions, request } from "node:http";
import type { SecureContext } from "node:tls";
import type { Fault, Problem } from "../../api/problem.ts";
import { type ErrorCode, IovisorError } from "../../errors.ts";
import { authoritiesOf, type ConnectionArguments, type Endpoint, endpointOf } from "./connection.ts";
import { connectionFailure } from "./failures.ts";

/** The daemon refused a request. */
export class ApiError extends IovisorError {
  override readonly name = "ApiError";
  readonly status: number;
  readonly faults: readonly Fault[];

  constructor({ code, detail, remedy, status, faults = [] }: Problem) {
    super(code as ErrorCode, detail, remedy);
    this.status = status;
    this.faults = faults;
  }
}

export interface RequestOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer with the tag of what it describes. */
export interface Tagged<T> {
  readonly value: T;
  readonly etag: string | undefined;
}

type Method = "GET" | "PUT" | "POST" | "DELETE";

/** How long the connection to a daemon on the network may take. */
const connectMilliseconds = 10_000;

/** Requests to the daemon, at its unix socket or over the network. */
export class Client {
  readonly #endpoint: Endpoint;
  /** Made once: reading all that the machine trusts takes as long as a request. */
  #trust: SecureContext | undefined;

  /** @throws E_USAGE */
  constructor(args: ConnectionArguments) {
    this.#endpoint = endpointOf(args);
  }

  async get<T>(path: string): Promise<T> {
    return (await this.send<T>("GET", path)).value;
  }

  async text(path: string): Promise<string> {
    return await readAll(this.chunks(await this.open("GET", path)));
  }

  /** @throws ApiError, E_NO_DAEMON, E_PERMISSION */
  async send<T>(method: Method, path: string, options: RequestOptions = {}): Promise<Tagged<T>> {
    const response = await this.open(method, path, options);
    return { value: JSON.parse(await readAll(this.chunks(response))) as T, etag: response.headers.etag };
  }

  /** The lines of an answer as they come. */
  async *lines(path: string, headers: Readonly<Record<string, string>>): AsyncGenerator<string> {
    const response = await this.open("GET", path, { headers });
    const decoder = new TextDecoder();
    try {
      let rest = "";
      for await (const chunk of this.chunks(response)) {
        const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
        rest = lines.pop() ?? "";
        yield* lines;
      }
      if (rest !== "") yield rest;
    } finally {
      response.destroy();
    }
  }

  /** What comes of an answer. */
  async *chunks(response: IncomingMessage): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of response) yield chunk as Buffer;
    } catch (error) {
      throw connectionFailure(this.#endpoint, error as NodeJS.ErrnoException);
    }
  }

  /** An answer that was not read yet. What is no success is thrown. */
  async open(method: Method, path: string, { body, headers }: RequestOptions = {}): Promise<IncomingMessage> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    // Node sends the body of a DELETE without its length otherwise.
    const length = text === undefined ? 0 : Buffer.byteLength(text);
    const content = text === undefined ? {} : { "content-type": "application/json", "content-length": length };
    const options = { path, method, headers: { ...content, ...headers } };
    const outgoing = await this.#begin(options);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once("response", resolve);
      outgoing.once("error", (error) => reject(connectionFailure(this.#endpoint, error)));
      outgoing.end(text);
    });
    if ((response.statusCode ?? 500) < 300) return response;
    throw problemIn(await readAll(this.chunks(response)), response.statusCode ?? 500, this.#endpoint);
  }

  /** A request that is not sent yet. Over the network, nothing is sent before the certificate was verified. */
  async #begin(options: NodeOptions): Promise<ClientRequest> {
    const endpoint = this.#endpoint;
    if (endpoint.kind === "local") return request({ ...options, socketPath: endpoint.path });
    const { request: secureRequest } = await import("node:https");
    const { createSecureContext } = await import("node:tls");
    const { host, port, token } = endpoint;
    this.#trust ??= createSecureContext({ ca: [...authoritiesOf(endpoint)], minVersion: "TLSv1.2" });
    const proof = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const headers = { ...options.headers, ...proof };
    const secure = { secureContext: this.#trust, rejectUnauthorized: true };
    const outgoing = secureRequest({ ...options, ...secure, host, port, headers });
    limitConnecting(outgoing);
    return outgoing;
  }
}

function limitConnecting(outgoing: ClientRequest): void {
  const late = setTimeout(() => {
    outgoing.destroy(Object.assign(new Error("no connection in time"), { code: "ETIMEDOUT" }));
  }, connectMilliseconds);
  const connected = (): void => clearTimeout(late);
  // A connection that served a request before does not become secure again.
  outgoing.once("socket", (socket) => (outgoing.reusedSocket ? connected() : socket.once("secureConnect", connected)));
  outgoing.once("close", connected);
}

function problemIn(text: string, status: number, endpoint: Endpoint): IovisorError {
  try {
    const problem = JSON.parse(text) as Problem;
    if (typeof problem.code === "string") {
      return new ApiError(status === 401 ? { ...problem, remedy: tokenRemedy(endpoint) } : problem);
    }
  } catch {
    // Not an answer of the daemon: said below.
  }
  const [where, option] =
    endpoint.kind === "local" ? [endpoint.path, "--socket"] : [endpoint.address, "--server (IOVISOR_SERVER)"];
  if (status === 401 || status === 403) {
    const remedy = `ask whoever runs it, or check ${option}: the daemon itself answers otherwise`;
    return new IovisorError("E_UNAUTHORIZED", `what answers at ${where} refuses you (status ${status})`, remedy);
  }
  const message = `what answers at ${where} is no daemon of IO Visor (status ${status})`;
  return new IovisorError("E_FORMAT", message, `check ${option}`);
}

function tokenRemedy(endpoint: Endpoint): string {
  return endpoint.kind === "network" && endpoint.token !== undefined
    ? "put the token of the daemon's token file into the one of --token-file (IOVISOR_TOKEN_FILE)"
    : "give the daemon's token: --token-file FILE (IOVISOR_TOKEN_FILE)";
}

async function readAll(chunks: AsyncIterable<Buffer>): Promise<string> {
  const read: Buffer[] = [];
  for await (const chunk of chunks) read.push(chunk);
  return Buffer.concat(read).toString();
}

/** A path of the interface, its parts encoded. */
export function pathOf(...parts: readonly string[]): string {
  return `/v1/${parts.map(encodeURIComponent).join("/")}`;
}
