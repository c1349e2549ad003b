import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { DEFAULT_BPFFS, unpin } from "../../../kernel/bpffs.ts";

const launcher = resolve(import.meta.dirname, "../../../../iovisor");
const startTimeout = 60_000;
const run = promisify(execFile);

/** A daemon of the demo's own: its data path, its socket and its state are nobody else's. */
export class DemoDaemon implements AsyncDisposable {
  readonly name = `demo${process.pid}`;
  readonly #folder = mkdtempSync(join(tmpdir(), "iovisor-demo-"));
  #process: ChildProcess | undefined;

  get #socket(): string {
    return join(this.#folder, "socket");
  }

  /** Starts it and waits until it serves requests. */
  async start(): Promise<void> {
    const args = ["daemon", "--name", this.name, "--state", this.#folder, "--socket", this.#socket, "--teardown"];
    this.#process = spawn(launcher, [...args, "--log-level", "error"], { stdio: ["ignore", "ignore", "inherit"] });
    const end = Date.now() + startTimeout;
    for (;;) {
      try {
        await this.command("get", "revisions");
        return;
      } catch (error) {
        if (Date.now() > end || this.#process.exitCode !== null) throw error;
        await new Promise((done) => setTimeout(done, 100));
      }
    }
  }

  /** Runs a command of the command line against it and gives what it prints. */
  async command(...args: readonly string[]): Promise<string> {
    const { stdout } = await run(launcher, [...args, "--socket", this.#socket], { timeout: startTimeout });
    return stdout;
  }

  async apply(graph: object): Promise<void> {
    const file = join(this.#folder, "net.json");
    writeFileSync(file, JSON.stringify(graph));
    await this.command("apply", "-f", file);
  }

  /** Ends it without a chance to clean up. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  /** Ends it and takes its data path away. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end("SIGTERM");
    unpin(`${DEFAULT_BPFFS}/iovisor/${this.name}`);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
