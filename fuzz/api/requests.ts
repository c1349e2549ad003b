import type { Random } from "../random.ts";

/** A request that a client might send, well meant or not. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** As it is sent. */
  readonly body: string | undefined;
  /** Whether it asks for a change of the graph. */
  readonly changesGraph: boolean;
}

const instances = ["m0", "m1", "m2", "none", "", "%00", "..", "m0/../m1", "constructor", "__proto__"];
const tables = ["seen", "known", "perCpu", "chosen", "none", "toString"];
const keys = ["tcx:m0", "tcx:m1", "xdp:m0", "none"];

/** Makes requests that reach deep: most are near to what the interface takes. */
export class RequestMaker {
  readonly #random: Random;
  readonly #kind: string;

  /** @param kind the folder of a function that there is. */
  constructor(random: Random, kind: string) {
    this.#random = random;
    this.#kind = kind;
  }

  next(): ApiRequest {
    const random = this.#random;
    const made = random.weighted<() => Partial<ApiRequest>>([
      [6, () => this.#reading()],
      [3, () => this.#table()],
      [2, () => this.#graph()],
      [2, () => this.#edits()],
      [1, () => this.#nonsense()],
    ])();
    const { method = "GET", path = "/", headers = {}, changesGraph = false } = made;
    const damaged = made.body !== undefined && random.chance(0.15) ? this.#damage(made.body) : made.body;
    return { method, path, headers, body: damaged, changesGraph };
  }

  #reading(): Partial<ApiRequest> {
    const random = this.#random;
    const name = random.pick(instances);
    const number = random.pick(["1", "2", "0", "-1", "99999999999999999999", "1.5", "x"]);
    const path = random.pick([
      ...["/v1/graph", "/v1/revisions", `/v1/revisions?limit=${number}`, `/v1/revisions/${number}`, "/v1/functions"],
      ...[`/v1/functions/${this.#kind}`, `/v1/functions/${name}`, "/v1/instances", `/v1/instances/${name}`],
      ...[`/v1/instances/${name}/counters`, `/v1/instances/${name}/tables`, "/v1/pipelines", "/v1/health", "/metrics"],
      ...[`/v1/pipelines/${random.pick(keys)}/${random.pick(["source", "ir", "bytecode", "elf"])}`],
      ...["/v1/events?follow=false", `/v1/events?follow=false&follow=${number}`],
    ]);
    const headers = random.pick<Record<string, string>>([
      {},
      { "if-none-match": '"1", *' },
      { "if-none-match": "*" },
      { "last-event-id": number },
    ]);
    return { path, headers };
  }

  #table(): Partial<ApiRequest> {
    const random = this.#random;
    const path = `/v1/instances/${random.pick(instances)}/tables/${random.pick(tables)}`;
    const key = (): unknown => random.pick<unknown>([random.below(80), this.#key(), this.#value(2)]);
    switch (random.below(5)) {
      case 0:
        return { path: `${path}?limit=${random.pick(["1", "5", "0", "x", "10001"])}&cursor=${this.#cursor()}` };
      case 1:
        return { path, headers: { accept: "application/x-ndjson" } };
      case 2: {
        const entries = Array.from({ length: random.below(4) }, () => ({ key: key(), value: this.#value(1) }));
        return { method: "POST", path: `${path}/entries`, body: JSON.stringify({ entries }) };
      }
      case 3:
        return { method: "DELETE", path: `${path}/entries`, body: JSON.stringify({ keys: [key(), key()] }) };
      default:
        return { method: "POST", path: `${path}/flush` };
    }
  }

  #cursor(): string {
    return Buffer.from(this.#random.bytes(this.#random.pick([0, 4, 8, 9]))).toString("base64url");
  }

  #key(): object {
    return { number: this.#random.below(9), kind: this.#random.below(3) };
  }

  #graph(): Partial<ApiRequest> {
    const random = this.#random;
    const functions = Object.fromEntries(
      Array.from({ length: random.below(3) }, (_, index) => [`m${index}`, this.#instance()]),
    );
    const links = random.chance(0.5)
      ? ["dev:lo -> m0.inside"]
      : random.pick([[], ["m0.outside -> m1.inside"], [7], ["x"]]);
    const graph = random.chance(0.1) ? this.#value(3) : { functions, links };
    const headers = random.pick<Record<string, string>>([
      ...[{}, { "if-match": '"1"' }, { "if-match": "*" }],
      { "content-type": random.pick(["text/plain", "application/yaml", "application/json"]) },
    ]);
    switch (random.below(4)) {
      case 0:
        return { method: "POST", path: "/v1/plan", body: JSON.stringify(graph) };
      case 1:
        return { method: "PUT", path: "/v1/graph", headers, body: JSON.stringify(graph), changesGraph: true };
      case 2: {
        const body = { graph, ...(random.chance(0.5) ? { expected: random.below(5) } : {}) };
        return { method: "POST", path: "/v1/apply", headers, body: JSON.stringify(body), changesGraph: true };
      }
      default: {
        const path = `/v1/revisions/${random.pick(["1", "2", "7", "0", "x"])}/rollback`;
        return {
          method: "POST",
          path,
          headers,
          body: random.weighted([
            [1, "{}"],
            [1, undefined],
            [1, "null"],
          ]),
          changesGraph: true,
        };
      }
    }
  }

  #instance(): object {
    const random = this.#random;
    const config = random.pick<object>([{}, { mark: random.below(80) }, { chosen: [1, 2] }, { [this.#word()]: 1 }]);
    return {
      kind: random.weighted([
        [9, this.#kind],
        [1, this.#word()],
      ]),
      config,
      ...(random.chance(0.1) ? { x: 1 } : {}),
    };
  }

  #edits(): Partial<ApiRequest> {
    const random = this.#random;
    const name = random.pick(["m0", "m1", "m2", "9", ""]);
    const edit = (): unknown =>
      random.pick<unknown>([
        { kind: "createInstance", name, function: this.#kind, config: { mark: random.below(70) } },
        { kind: "deleteInstance", name },
        { kind: "editInstance", name, config: { mark: random.pick<unknown>([random.below(64), null, "x"]) } },
        { kind: "addPort", name, port: { name: this.#word() } },
        { kind: "editPort", name, port: "inside", settings: {} },
        { kind: "setDevice", name: "lo1", device: { name: "lo", hook: random.pick(["tcx", "auto", "x"]) } },
        { kind: "removeDevice", name: "lo1" },
        { kind: "link", from: "dev:lo", to: `${name}.inside` },
        { kind: "unlink", from: "dev:lo" },
        this.#value(2),
      ]);
    const edits = Array.from({ length: random.below(3) }, edit);
    return { method: "POST", path: "/v1/graph/edits", body: JSON.stringify({ edits }), changesGraph: true };
  }

  #nonsense(): Partial<ApiRequest> {
    const random = this.#random;
    const method = random.pick(["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD"]);
    const parts = Array.from({ length: random.below(5) }, () => encodeURIComponent(this.#word()));
    const query = random.pick(["", "?", "?a=%", "?limit=1&limit=2"]);
    const path = `/${random.pick(["v1/", "", "v1//"])}${parts.join("/")}${query}`;
    const type = random.pick(["application/json", "text/plain", "application/xml", "application/json; charset=x"]);
    const body =
      method === "GET" || method === "HEAD"
        ? undefined
        : random.weighted([
            [1, undefined],
            [1, this.#word()],
            [2, "{}"],
          ]);
    return { method, path, headers: body === undefined ? {} : { "content-type": type }, body };
  }

  #word(): string {
    return this.#random.pick(["a", "..", "graph", "\u0000", "x".repeat(300), "ü", "%", "{}", "__proto__", "m0", "-1"]);
  }

  #value(depth: number): unknown {
    const random = this.#random;
    const plain = [null, true, 0, -1, 1.5, 2 ** 53, "18446744073709551615", "0x10", this.#word(), 7];
    if (depth === 0 || random.chance(0.6)) return random.pick<unknown>(plain);
    if (random.chance(0.5)) return Array.from({ length: random.below(4) }, () => this.#value(depth - 1));
    return Object.fromEntries([
      [this.#word(), this.#value(depth - 1)],
      ["number", this.#value(0)],
    ]);
  }

  /** A text with a part cut out, doubled or replaced. */
  #damage(text: string): string {
    const random = this.#random;
    const at = random.below(text.length + 1);
    const rest = text.slice(at + random.below(6));
    return text.slice(0, at) + random.pick(["", "{", '"', "\\u0000", "1e999", ","]) + rest;
  }
}
