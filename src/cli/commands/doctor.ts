import type { Command } from "commander";
import { outputOption } from "../options.ts";
import type { OutputFormat } from "../report.ts";

const help = `
Every line was found by trying: a map made, a program loaded and attached, and removed again. The exit code is 0 when
packet functions can be run in this kernel, else 1.

Examples:
  iovisor doctor
  iovisor doctor --all -o json`;

export interface DoctorArguments {
  readonly all?: true;
  readonly output: OutputFormat;
}

export function configure(command: Command): void {
  command
    .option("--all", "show every feature, not only those that are missing")
    .addOption(outputOption())
    .addHelpText("after", help)
    .action(async (args: DoctorArguments) => {
      const { examine } = await import("../doctor/examine.ts");
      process.exitCode = examine(args);
    });
}
