/** For the tests of this folder. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";

export const main = join(import.meta.dirname, "../main.ts");

/** `iovisor` as a process of its own, and what it prints. */
export class Run {
  readonly #child: ChildProcess;
  readonly #exit: Promise<number | null>;
  #lines: string[] = [];
  #rest = "";
  #errors = "";
  #changed: () => void = () => {};

  constructor(...args: readonly string[]) {
    this.#child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    this.#exit = new Promise((resolve) => this.#child.once("close", resolve));
    this.#child.stderr!.on("data", (chunk) => (this.#errors += chunk));
    this.#child.stdout!.on("data", (chunk) => this.#read(String(chunk)));
  }

  /** The first record from now on that has this property. */
  async next(property: string): Promise<Record<string, unknown>> {
    for (;;) {
      const line = this.#lines.shift();
      if (line === undefined) {
        const ended = this.#exit.then(() => "ended");
        const more = new Promise<void>((resolve) => (this.#changed = resolve));
        const what = await Promise.race([more, ended]);
        assert.ok(
          what !== "ended" || this.#lines.length > 0,
          `it ended before it printed ${property}:\n${this.#errors}`,
        );
        continue;
      }
      const record = JSON.parse(line) as Record<string, unknown>;
      if (property in record) return record[property] as Record<string, unknown>;
    }
  }

  /** What it printed on its standard error up to now. */
  get errors(): string {
    return this.#errors;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async exitCode(): Promise<number | null> {
    return await this.#exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exit;
  }

  #read(chunk: string): void {
    const lines = (this.#rest + chunk).split("\n");
    this.#rest = lines.pop() ?? "";
    this.#lines.push(...lines);
    this.#changed();
  }
}
