import type { Command } from "commander";
import { formatOption, positiveNumber, wholeNumber } from "../options.ts";
import type { TraceArguments } from "../show/trace.ts";

const help = `
Shows each packet with the functions that it passes: the port that it came in on, the verdict or drop reason, and its
headers where the function changed them. With -o json a line each.

Examples:
  iovisor trace --match "ip 10.0.0.1 tcp 443" --count 1
  iovisor trace --match icmp --for 10 -o json`;

export function configure(command: Command): void {
  command
    .option("-m, --match <filter>", "packets that fit, as `iovisor capture --help` has them")
    .option("-c, --count <packets>", "end after so many", wholeNumber)
    .option("--for <seconds>", "end after so long", positiveNumber)
    .option("--buffer <bytes>", "ring in the kernel, a power of two (4194304)", wholeNumber)
    .addOption(formatOption())
    .addHelpText("after", help)
    .action(async (args: TraceArguments) => {
      const { trace } = await import("../show/trace.ts");
      process.exitCode = await trace(args);
    });
}
