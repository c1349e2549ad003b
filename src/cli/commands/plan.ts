import type { Command } from "commander";
import { type ClientArguments, formatOption } from "../options.ts";

const help = `
Compares the file's graph with the live one and says what an apply would load, attach and detach. Nothing is touched.

Examples:
  iovisor plan -f net.yaml
  iovisor plan -f net.yaml -o json`;

export function configure(command: Command): void {
  command
    .requiredOption("-f, --file <file>", "graph: .yaml, .json or .ts")
    .addOption(formatOption())
    .addHelpText("after", help)
    .action(async (args: ClientArguments & { readonly file: string }) => {
      const { planFile } = await import("../graph/change.ts");
      await planFile(args);
    });
}
