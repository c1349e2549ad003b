import { Argument, type Command } from "commander";
import { type ChangeArguments, commentOption, formatOption } from "../options.ts";

const help = `
The links of an instance go with it.

Examples:
  iovisor delete instance sw1
  iovisor delete device lan1`;

export function configure(command: Command): void {
  command
    .addArgument(new Argument("<what>", "kind of thing").choices(["instance", "device"]))
    .argument("<name>", "which one")
    .addOption(commentOption())
    .addOption(formatOption())
    .addHelpText("after", help)
    .action(async (what: string, name: string, args: ChangeArguments) => {
      const { makeEdits } = await import("../graph/change.ts");
      await makeEdits([{ kind: what === "device" ? "removeDevice" : "deleteInstance", name }], args);
    });
}
