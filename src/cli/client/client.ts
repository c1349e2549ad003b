import { type IncomingMessage, request } from "node:http";
import type { Fault, Problem } from "../../api/problem.ts";
import { type ErrorCode, IovisorError } from "../../errors.ts";

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

/** Requests to the daemon at a unix socket. */
export class Client {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  async get<T>(path: string): Promise<T> {
    return (await this.send<T>("GET", path)).value;
  }

  async text(path: string): Promise<string> {
    return await readAll(await this.open("GET", path));
  }

  /** @throws ApiError, E_NO_DAEMON, E_PERMISSION */
  async send<T>(method: Method, path: string, options: RequestOptions = {}): Promise<Tagged<T>> {
    const response = await this.open(method, path, options);
    return { value: JSON.parse(await readAll(response)) as T, etag: response.headers.etag };
  }

  /** The lines of an answer as they come. */
  async *lines(path: string, headers: Readonly<Record<string, string>>): AsyncGenerator<string> {
    const response = await this.open("GET", path, { headers });
    response.setEncoding("utf8");
    try {
      let rest = "";
      for await (const chunk of response) {
        const lines = (rest + (chunk as string)).split("\n");
        rest = lines.pop() ?? "";
        yield* lines;
      }
      if (rest !== "") yield rest;
    } finally {
      response.destroy();
    }
  }

  /** An answer that was not read yet. What is no success is thrown. */
  async open(method: Method, path: string, { body, headers }: RequestOptions = {}): Promise<IncomingMessage> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    // Node sends the body of a DELETE without its length otherwise.
    const length = text === undefined ? 0 : Buffer.byteLength(text);
    const content = text === undefined ? {} : { "content-type": "application/json", "content-length": length };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { socketPath: this.#socket, path, method, headers: { ...content, ...headers } };
      const outgoing = request(options, resolve);
      outgoing.once("error", (error) => reject(this.#failure(error)));
      outgoing.end(text);
    });
    if ((response.statusCode ?? 500) < 300) return response;
    throw problemIn(await readAll(response), response.statusCode ?? 500);
  }

  #failure(error: NodeJS.ErrnoException): IovisorError {
    const path = this.#socket;
    switch (error.code) {
      case "ENOENT":
      case "ECONNREFUSED":
        return new IovisorError(
          "E_NO_DAEMON",
          `no daemon answers at ${path}`,
          "start one with `iovisor daemon`, or say where it is: --socket PATH, or IOVISOR_SOCKET",
          { cause: error },
        );
      case "EACCES":
      case "EPERM":
        return new IovisorError(
          "E_PERMISSION",
          `you may not use the socket ${path}`,
          "be root, or a member of the daemon's --group",
          { cause: error },
        );
      default:
        return new IovisorError(
          "E_NO_DAEMON",
          `the daemon at ${path} gave no answer: ${error.code ?? error.message}`,
          "look at the daemon's log",
          { cause: error },
        );
    }
  }
}

function problemIn(text: string, status: number): IovisorError {
  try {
    const problem = JSON.parse(text) as Problem;
    if (typeof problem.code === "string") return new ApiError(problem);
  } catch {
    // Not an answer of the daemon: said below.
  }
  return new IovisorError("E_FORMAT", `what answers is no daemon of IO Visor (status ${status})`, "check --socket");
}

async function readAll(response: IncomingMessage): Promise<string> {
  response.setEncoding("utf8");
  let text = "";
  for await (const chunk of response) text += chunk as string;
  return text;
}

/** A path of the interface, its parts encoded. */
export function pathOf(...parts: readonly string[]): string {
  return `/v1/${parts.map(encodeURIComponent).join("/")}`;
}
