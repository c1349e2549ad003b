/** For tests: commands as processes, and tables of those that must fail. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";

const main = join(import.meta.dirname, "../src/cli/main.ts");

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Circumstances {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A command that runs the command. */
  readonly as?: readonly string[];
}

export async function iovisor(args: readonly string[], { cwd, env, as = [] }: Circumstances = {}): Promise<Ended> {
  const [command = "", ...rest] = [...as, process.execPath, main, ...args];
  return await new Promise((resolve) => {
    execFile(command, rest, { cwd, env: { ...process.env, ...env }, timeout: 60_000 }, (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, out, err });
    });
  });
}

/** What is wrong, the command, its exit code, and what it has to say. */
export type BadInput = readonly [what: string, args: readonly string[], code: 1 | 2, message: RegExp];

/** Each fails with its code and one clear message, with nothing of this program's inside. */
export async function assertRefused(rows: readonly BadInput[], circumstances: Circumstances = {}): Promise<void> {
  const wrong: string[] = [];
  const waiting = [...rows];
  const work = async (): Promise<void> => {
    for (let row = waiting.shift(); row; row = waiting.shift()) {
      const [what, args, code, message] = row;
      const ended = await iovisor(args, circumstances);
      const said = ended.out + ended.err;
      const inside = /unexpected|defect|E_UNEXPECTED|\n +at .*\.ts:\d|ExperimentalWarning: strip/.test(said);
      if (ended.code === code && message.test(said) && !inside) continue;
      wrong.push(`${what}: exit code ${ended.code}, wanted ${code}; wanted ${message}, got\n${said}`);
    }
  };
  await Promise.all([work(), work()]);
  assert.deepEqual(wrong, []);
}
