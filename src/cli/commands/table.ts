import { Argument, type Command } from "commander";
import { formatOption, positiveNumber } from "../options.ts";
import type { TableArguments } from "../show/table-command.ts";

const help = `
list shows the entries (with -o json a line each), add writes KEY=VALUE, delete removes KEYs, flush removes all. Keys
and values are JSON or texts. Where the function says how a table is shown, they have the columns that are listed; else
they are as the kernel module declares them: hexadecimal digits for bytes, an IPv4 address for 32 bits in network order.
Tables that follow from the configuration are changed by changing that.

Examples:
  iovisor table sw1 fdb
  iovisor table sw1 fdb delete '{"vlan":10,"mac":"02:00:00:00:00:01"}'
  iovisor table sw1 fdb add '{"vlan":10,"mac":"02:00:00:00:00:01"}={"port":"lan1"}'
  iovisor table counters seen add 7=0`;

export function configure(command: Command): void {
  command
    .argument("<instance>", "instance of the live graph")
    .argument("<table>", "one of its tables; `iovisor describe instance` lists them")
    .addArgument(new Argument("[action]", "what to do").choices(["list", "add", "delete", "flush"]).default("list"))
    .argument("[words...]", "entries or keys")
    .option("--limit <number>", "list no more entries", positiveNumber)
    .addOption(formatOption())
    .addHelpText("after", help)
    .action(async (instance: string, name: string, action: string, words: readonly string[], args: TableArguments) => {
      const { tableCommand } = await import("../show/table-command.ts");
      await tableCommand(instance, name, action, words, args);
    });
}
