import type { Command } from "commander";
import { collect, outputOption } from "../options.ts";
import type { OutputFormat } from "../report.ts";

const help = `
Lists programs on the devices of this network namespace and of all named ones, on control groups, and on tracepoints,
whoever attached them. The owner is the process that holds the attachment; one without stays until it is removed.

Examples:
  iovisor ls
  iovisor ls --netns blue -o json`;

export interface LsArguments {
  readonly netns: readonly string[];
  readonly output: OutputFormat;
}

export function configure(command: Command): void {
  command
    .option("-n, --netns <name>", "only the devices of this network namespace; may be given several times", collect)
    .addOption(outputOption())
    .addHelpText("after", help)
    .action(async ({ netns = [], output }: LsArguments) => {
      const { listAttachments } = await import("../ls/list.ts");
      listAttachments({ netns, output });
    });
}
