import { basename } from "node:path";
import type { Outcome } from "./test-file.ts";
import { runProcess } from "./test-file.ts";

/** A command that counts as one test: type checks and the linter. */
export interface Check {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

const limitSeconds = 180;

/** One type check for each tsconfig.json (host code and kernel code have their own), and the linter. */
export function checks(files: readonly string[]): Check[] {
  const projects = files.filter((path) => basename(path) === "tsconfig.json");
  return [
    ...projects.map((path) => ({
      name: `types: ${path}`,
      command: "node_modules/.bin/tsc",
      args: ["--pretty", "false", "-p", path],
    })),
    {
      name: "lint: biome",
      command: "node_modules/.bin/biome",
      args: ["check", "--error-on-warnings", "--colors=off", "--max-diagnostics=40"],
    },
  ];
}

export async function runCheck(check: Check, root: string): Promise<Outcome> {
  const ended = await runProcess(check.command, check.args, { root, limitSeconds });
  const failures = ended.trouble
    ? [{ name: check.name, text: `${ended.output.trimEnd()}\n${check.command} ${ended.trouble}` }]
    : [];
  return { name: check.name, seconds: ended.seconds, passed: failures.length === 0 ? 1 : 0, skips: [], failures };
}
