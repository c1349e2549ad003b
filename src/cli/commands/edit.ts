import { Argument, type Command } from "commander";
import type { EditArguments } from "../graph/change.ts";
import { collect, commentOption, formatOption } from "../options.ts";

const help = `
Examples:
  iovisor edit instance sw1 ageing=60
  iovisor edit instance sw1 --port lan1 vlan=20
  iovisor edit instance fw rules=@rules.json --unset log`;

export function configure(command: Command): void {
  command
    .addArgument(new Argument("<what>", "kind of thing").choices(["instance"]))
    .argument("<name>", "which one")
    .argument("[settings...]", "NAME=VALUE; NAME.FIELD=VALUE for a member, JSON or @FILE for lists")
    .option("--port <name>", "configuration of this port, not of the instance")
    .option("--unset <name>", "setting to remove; may be given several times", collect)
    .addOption(commentOption())
    .addOption(formatOption())
    .addHelpText("after", help)
    .action(
      async (_what: string, name: string, settings: readonly string[], { unset = [], ...args }: EditArguments) => {
        const { editInstance } = await import("../graph/change.ts");
        await editInstance(name, settings, { ...args, unset });
      },
    );
}
