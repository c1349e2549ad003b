import type { Command } from "commander";
import { type ChangeArguments, commentOption, formatOption } from "../options.ts";

const help = `
An end is INSTANCE.PORT, dev:DEVICE (its wire side) or host:DEVICE (its stack side). Packets pass both ways.

Examples:
  iovisor link dev:eth0 fw.outside
  iovisor link fw.inside sw1.uplink`;

export function configure(command: Command): void {
  command
    .argument("<end>", "one end")
    .argument("<other>", "the other end")
    .addOption(commentOption())
    .addOption(formatOption())
    .addHelpText("after", help)
    .action(async (from: string, to: string, args: ChangeArguments) => {
      const { makeEdits } = await import("../graph/change.ts");
      await makeEdits([{ kind: "link", from, to }], args);
    });
}
