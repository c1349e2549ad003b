import type { Command } from "commander";
import type { ApplyArguments } from "../graph/change.ts";
import { commentOption, formatOption, wholeNumber } from "../options.ts";

const help = `
The graph of the file takes the place of the live one, as one change: every packet meets the old graph or the new one.
On failure nothing has changed. Folders of functions (./NAME) start from the file's folder. Where the graph is like that
already, there is no new revision.

Examples:
  iovisor apply -f net.yaml
  iovisor apply -f net.ts --comment "two more lans" --expected 7`;

export function configure(command: Command): void {
  command
    .requiredOption("-f, --file <file>", "graph: .yaml, .json or .ts")
    .addOption(commentOption())
    .option("--expected <revision>", "only when this revision is live", wholeNumber)
    .addOption(formatOption())
    .addHelpText("after", help)
    .action(async (args: ApplyArguments) => {
      const { applyFile } = await import("../graph/change.ts");
      await applyFile(args);
    });
}
