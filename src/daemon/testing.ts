/** For tests: daemons on data paths of their own, and requests whose answers are held against the description. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { problemType } from "../api/problem.ts";
import { type SchemaCheck, schemaChecker } from "../engine/catalogue/json-schema.ts";
import { errorCodes } from "../errors.ts";
import { Daemon, type DaemonOptions } from "./daemon.ts";
import { makeLog } from "./log.ts";

/** Passes packets between its two ports and writes its mark into their DSCP; it counts them, and knows marks. */
export const markerSource = `import {
  arrayMap, config, drop, dropReasons, fixedPorts, forward, hash, onPacket, perCpuArray, struct, u32, u64, u8,
} from "iovisor/kernel";
import { Ethernet, EtherType, Ipv4 } from "iovisor/kernel/headers";
export const ports = fixedPorts("inside", "outside");
export const reasons = dropReasons({ notIpv4: "it is no IPv4 packet" });
export const settings = config({ mark: u8.between(0, 63).default(0, "DSCP") });
export const Name = struct({ number: u32, kind: u32 });
export const seen = arrayMap({ value: u64, maxEntries: 1 });
export const known = hash({ key: Name, value: u64, maxEntries: 1_100_000 });
export const perCpu = perCpuArray({ value: u64, maxEntries: 2 });
export const chosen = hash({ key: u32, value: u32, maxEntries: 64 });
export default onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (ethernet?.type !== EtherType.ipv4) return drop(reasons.notIpv4);
  const ip = packet.at(Ethernet.size, Ipv4);
  if (!ip) return drop(reasons.notIpv4);
  const count = seen.ref(0);
  if (count) count.value += 1n;
  if (settings.mark > 0) ip.dscp = settings.mark;
  return forward(packet.port === ports.inside ? ports.outside : ports.inside);
});
`;

/** Fills the table "chosen" from the configuration, and reports when it begins. */
const markerHost = `export default {
  title: "marker",
  description: "Marks packets.",
  configSchema: { properties: { chosen: { type: "array", items: { type: "integer" } } } },
  configurationTables: ["chosen"],
  tables: ({ config }) => ({ chosen: (config.chosen ?? []).map((one, index) => [one, index]) }),
  start: ({ report }) => {
    report({ kind: "started" });
    return {};
  },
};
`;

/** A folder of its own with a function, "marker". */
export class TestFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "iov-daemon-"));
  readonly marker = join(this.path, "marker");

  constructor() {
    mkdirSync(this.marker);
    writeFileSync(join(this.marker, "kernel.ts"), markerSource);
    writeFileSync(join(this.marker, "host.ts"), markerHost);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

let count = 0;

/** A name for a data path that no other test has. */
export function dataPathName(): string {
  return `iov${process.pid}d${count++}`;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  /** Of JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every form
  readonly body: any;
}

interface Sent {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A daemon in this process, and requests to its socket. Disposing of it takes its data path away. */
export class TestDaemon implements AsyncDisposable {
  /** Of the data path. */
  readonly name: string;
  readonly socket: string;
  readonly daemon: Daemon;
  readonly #description: Description;

  private constructor(name: string, socket: string, daemon: Daemon, description: Description) {
    this.name = name;
    this.socket = socket;
    this.daemon = daemon;
    this.#description = description;
  }

  static async start(folder: TestFolder, options: Partial<DaemonOptions> = {}): Promise<TestDaemon> {
    const socket = options.socket ?? join(folder.path, "socket");
    const name = options.name ?? dataPathName();
    const daemon = await Daemon.start({
      name,
      state: join(folder.path, "state"),
      socket,
      teardown: true,
      log: makeLog("error", false),
      ...options,
    });
    const { body } = await send(socket, "GET", "/v1/openapi.json");
    return new TestDaemon(name, socket, daemon, await Description.read(body));
  }

  /** A request; the form of its answer is held against the daemon's description. */
  async request(method: string, path: string, sent: Sent = {}): Promise<Answer> {
    const answer = await send(this.socket, method, path, sent);
    this.#description.check(method, path, answer);
    return answer;
  }

  async get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return await this.request("GET", path, { headers });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon[Symbol.asyncDispose]();
  }
}

export async function send(socket: string, method: string, path: string, { body, headers }: Sent = {}) {
  const response = await open(socket, method, path, { body, ...(headers ? { headers } : {}) });
  response.setEncoding("utf8");
  let text = "";
  for await (const chunk of response) text += chunk as string;
  const isJson =
    /json/.test(response.headers["content-type"] ?? "") && !/ndjson/.test(response.headers["content-type"]!);
  const answer: Answer = {
    status: response.statusCode!,
    headers: response.headers,
    text,
    body: isJson && text !== "" ? JSON.parse(text) : undefined,
  };
  return answer;
}

/** An answer that is read by the caller. A text is sent as it is, anything else as JSON. */
export async function open(socket: string, method: string, path: string, { body, headers }: Sent = {}) {
  const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
  return await new Promise<IncomingMessage>((resolve, reject) => {
    const content =
      text === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
    const outgoing = httpRequest(
      // A connection of its own: one that is kept may be to a daemon that ended before another took its socket.
      { socketPath: socket, method, path, headers: { ...content, ...headers }, agent: false },
      resolve,
    );
    outgoing.once("error", reject);
    outgoing.end(text);
  });
}

interface Operation {
  readonly pattern: RegExp;
  readonly method: string;
  readonly check: SchemaCheck | undefined;
}

/** The daemon's OpenAPI description as checks of its answers. */
export class Description {
  readonly operations: readonly Operation[];
  readonly #problem: SchemaCheck;

  private constructor(operations: readonly Operation[], problem: SchemaCheck) {
    this.operations = operations;
    this.#problem = problem;
  }

  static async read(openapi: unknown): Promise<Description> {
    const { paths } = openapi as {
      readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>;
    };
    const checker = await schemaChecker();
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { responses }]): Operation => {
        const schema = responses["200"]?.content?.["application/json"]?.schema;
        const pattern = new RegExp(`^${path.replace(/\{\*\}|\*/g, ".+").replace(/\{\w+\}/g, "[^/]+")}$`);
        return { pattern, method: method.toUpperCase(), check: schema && checker(schema) };
      }),
    );
    const [first] = Object.values(Object.values(paths)[0]!);
    const problem = first!.responses["4XX"]!.content!["application/problem+json"]!.schema;
    return new Description(operations, checker(problem));
  }

  check(method: string, path: string, { status, headers, body, text }: Answer): void {
    if (status === 304) return;
    if (status >= 400) {
      assert.match(headers["content-type"] ?? "", new RegExp(problemType.replace("+", "\\+")), text);
      assert.deepEqual(this.#problem(body), [], text);
      assert.ok(Object.hasOwn(errorCodes, body.code));
      assert.equal(body.status, status);
      return;
    }
    const known = this.operations.find((one) => one.method === method && one.pattern.test(path.split("?")[0]!));
    assert.ok(known, `${method} ${path} is not described`);
    if (known.check && body !== undefined)
      assert.deepEqual(known.check(body), [], `${method} ${path}: ${text.slice(0, 2000)}`);
  }
}

interface OperationObject {
  readonly summary?: string;
  readonly responses: Readonly<
    Record<
      string,
      { readonly content?: Readonly<Record<string, { readonly schema: Readonly<Record<string, unknown>> }>> }
    >
  >;
}
