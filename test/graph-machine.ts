/** For tests: a daemon that runs as a process of its own, and the commands that talk to it. */
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { dataPathName, TestFolder } from "../src/daemon/testing.ts";
import { testNetwork } from "./network/network.ts";

const main = join(import.meta.dirname, "../src/cli/main.ts");

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A daemon as a process, the commands that talk to it, and two hosts whose wires end at it. */
export class Machine implements AsyncDisposable {
  readonly folder = new TestFolder();
  readonly net = testNetwork({
    wires: [
      [
        { host: "a", device: "eth0" },
        { host: "middle", device: "lan1" },
      ],
      [
        { host: "b", device: "eth0" },
        { host: "middle", device: "lan2" },
      ],
    ],
  });
  readonly name = dataPathName();
  /** Where commands run. */
  cwd = this.folder.path;
  readonly graphFile = join(this.folder.path, "net.yaml");
  readonly socket = join(this.folder.path, "socket");
  #daemon: ChildProcess | undefined;

  /** Returns when the daemon serves. */
  async start(...args: readonly string[]): Promise<void> {
    const paths = ["--socket", this.socket, "--state", join(this.folder.path, "state")];
    const child = spawn(process.execPath, [main, "daemon", "--name", this.name, ...paths, ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#daemon = child;
    for await (const chunk of child.stdout) {
      const line = JSON.parse(String(chunk).split("\n")[0]!);
      assert.equal(line.msg, "the daemon is at work");
      break;
    }
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    const child = this.#daemon;
    if (!child) return null;
    this.#daemon = undefined;
    const ended = new Promise<number | null>((resolve) => {
      child.once("exit", resolve);
    });
    child.kill(signal);
    return await ended;
  }

  async run(...args: readonly string[]): Promise<Ended> {
    return await new Promise((resolve) => {
      const env = { ...process.env, IOVISOR_SOCKET: this.socket };
      execFile(process.execPath, [main, ...args], { env, cwd: this.cwd }, (error, out, err) => {
        resolve({ code: error ? Number(error.code) : 0, out, err });
      });
    });
  }

  /** The output of a command that succeeds. */
  async ok(...args: readonly string[]): Promise<string> {
    const { code, out, err } = await this.run(...args);
    assert.equal(code, 0, `${args.join(" ")}: ${err}`);
    return out;
  }

  writeGraph(mark: number): void {
    const netns = this.net.host("middle").namespace.name;
    const text = `functions:
  m: { kind: ./marker, config: { mark: ${mark} } }
devices:
  lan1: { name: lan1, netns: ${netns} }
  lan2: { name: lan2, netns: ${netns} }
links:
  - dev:lan1 -> m.inside
  - m.outside -> dev:lan2
`;
    writeFileSync(this.graphFile, text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.net[Symbol.dispose]();
    this.folder[Symbol.dispose]();
  }
}
