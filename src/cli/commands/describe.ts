import { Argument, type Command, Option } from "commander";
import { formatOption } from "../options.ts";
import type { DescribeArguments } from "../show/describe.ts";

const help = `
Examples:
  iovisor describe instance sw1
  iovisor describe function switch
  iovisor describe pipeline tcx:sw1 --form ir`;

export function configure(command: Command): void {
  command
    .addArgument(new Argument("<what>", "kind of thing").choices(["instance", "function", "pipeline"]))
    .argument("<name>", "which one")
    .addOption(
      new Option("--form <form>", "of a pipeline: in what form its code is shown")
        .choices(["source", "ir", "bytecode"])
        .default("bytecode"),
    )
    .addOption(formatOption())
    .addHelpText("after", help)
    .action(async (what: string, name: string, args: DescribeArguments) => {
      const { describe } = await import("../show/describe.ts");
      await describe(what, name, args);
    });
}
