import { type Command, InvalidArgumentError } from "commander";
import { type ChangeArguments, commentOption, formatOption } from "../options.ts";

const help = `
The graph of that revision is applied anew, as a new revision. \`iovisor get revisions\` lists them.

Examples:
  iovisor rollback 12`;

export function configure(command: Command): void {
  command
    .argument("<revision>", "number of the revision to go back to", revisionNumber)
    .addOption(commentOption())
    .addOption(formatOption())
    .addHelpText("after", help)
    .action(async (number: number, args: ChangeArguments) => {
      const { rollback } = await import("../graph/change.ts");
      await rollback(number, args);
    });
}

function revisionNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("Expected the number of a revision.");
  return Number(text);
}
