import type { Command } from "commander";
import { formatOption } from "../options.ts";
import type { EventsArguments } from "../show/events.ts";

const help = `
Shows new revisions, devices that came or went, what host sides of functions report, and failures: the last ones, and
with --follow those to come, until Ctrl-C. With -o json a line each.

Examples:
  iovisor events
  iovisor events --follow -o json`;

export function configure(command: Command): void {
  command
    .option("-F, --follow", "go on until Ctrl-C")
    .addOption(formatOption())
    .addHelpText("after", help)
    .action(async (args: EventsArguments) => {
      const { showEvents } = await import("../show/events.ts");
      process.exitCode = await showEvents(args);
    });
}
