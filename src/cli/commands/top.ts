import type { Command } from "commander";
import { formatOption, positiveNumber } from "../options.ts";
import type { TopArguments } from "../show/top.ts";

const help = `
The busiest ports come first. On a terminal the table is drawn in place; elsewhere, and with -o json, one follows
another. It ends on Ctrl-C, or after --for SECONDS.

Examples:
  iovisor top
  iovisor top --interval 5 --for 60 -o json`;

export function configure(command: Command): void {
  command
    .option("--interval <seconds>", "time between two looks", positiveNumber, 1)
    .option("--for <seconds>", "end after that time", positiveNumber)
    .addOption(formatOption())
    .addHelpText("after", help)
    .action(async (args: TopArguments) => {
      const { showTop } = await import("../show/top.ts");
      process.exitCode = await showTop(args);
    });
}
