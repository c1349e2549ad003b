import type { Command } from "commander";
import { type ChangeArguments, commentOption, formatOption } from "../options.ts";

const help = `
A port has one link at most: one end says which. With both ends it is removed only when it leads there.

Examples:
  iovisor unlink dev:eth0
  iovisor unlink fw.inside sw1.uplink`;

export function configure(command: Command): void {
  command
    .argument("<end>", "one end")
    .argument("[other]", "the other end")
    .addOption(commentOption())
    .addOption(formatOption())
    .addHelpText("after", help)
    .action(async (from: string, to: string | undefined, args: ChangeArguments) => {
      const { makeEdits } = await import("../graph/change.ts");
      await makeEdits([{ kind: "unlink", from, ...(to === undefined ? {} : { to }) }], args);
    });
}
