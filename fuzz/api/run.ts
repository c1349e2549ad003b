/** Random requests to a daemon on a real data path: it refuses or does what was asked for, and nothing else. */
import { Agent, request } from "node:http";
import { problemType } from "../../src/api/problem.ts";
import { TestDaemon, TestFolder } from "../../src/daemon/testing.ts";
import { errorCodes } from "../../src/errors.ts";
import { Random } from "../random.ts";
import { type ApiRequest, RequestMaker } from "./requests.ts";

export interface ApiSummary {
  readonly requests: number;
  readonly changes: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

const mostFailures = 10;

export async function fuzzApi(seed: number, requests: number, start = 0): Promise<ApiSummary> {
  using folder = new TestFolder();
  await using daemon = await TestDaemon.start(folder);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const send = (one: ApiRequest) => sendRequest(daemon.socket, agent, one);
  const statuses: Record<string, number> = {};
  const failures: string[] = [];
  let changes = 0;
  let before = await stateOf(send);
  for (let index = start; index < start + requests && failures.length < mostFailures; index++) {
    const one = new RequestMaker(new Random(seed, index), folder.marker).next();
    const fail = (what: string): void => void failures.push(`request ${index}: ${what}\n${describe(one)}`);
    try {
      const answer = await send(one);
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
      const fault = faultOf(answer);
      if (fault !== undefined) fail(`${fault}\n${answer.text}`);
      const mayChange = one.changesGraph && answer.status === 200;
      // After every request that may have changed something by mistake; reading cannot, but is looked at as well.
      if (mayChange || one.method !== "GET" || index % 16 === 0) {
        const after = await stateOf(send);
        if (after !== before && !mayChange)
          fail(`changed the graph although it did not ask for that (${answer.status})`);
        if (after !== before) changes++;
        before = after;
      }
    } catch (error) {
      fail(`no answer: ${(error as Error).message}`);
    }
  }
  agent.destroy();
  return { requests, changes, statuses, failures };
}

/** The tag of the live graph and the graph itself. */
async function stateOf(send: (one: ApiRequest) => Promise<Answer>): Promise<string> {
  const read = { method: "GET", headers: {}, body: undefined, changesGraph: false };
  const health = JSON.parse((await send({ ...read, path: "/v1/health" })).text) as { readonly revision: number };
  return `${health.revision} ${(await send({ ...read, path: "/v1/graph" })).text}`;
}

function faultOf({ status, type, text }: Answer): string | undefined {
  if (status < 400) return undefined;
  if (status >= 500) return `status ${status}`;
  if (text === "") return undefined; // HEAD
  if (!type.startsWith(problemType)) return `status ${status} as ${type}`;
  const { code } = JSON.parse(text) as { readonly code: string };
  return Object.hasOwn(errorCodes, code) ? undefined : `unknown code ${code}`;
}

function describe({ method, path, headers, body }: ApiRequest): string {
  return `${method} ${path} ${JSON.stringify(headers)}\n${body ?? ""}`;
}

function sendRequest(socketPath: string, agent: Agent, { method, path, headers, body }: ApiRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const content =
      body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const options = { socketPath, agent, method, path, headers: { ...content, ...headers }, timeout: 30_000 };
    const outgoing = request(options, async (response) => {
      try {
        response.setEncoding("utf8");
        let text = "";
        for await (const chunk of response) text += chunk as string;
        resolve({ status: response.statusCode!, type: response.headers["content-type"] ?? "", text });
      } catch (error) {
        reject(error);
      }
    });
    outgoing.once("timeout", () => outgoing.destroy(new Error("timed out")));
    outgoing.once("error", reject);
    outgoing.end(body);
  });
}
