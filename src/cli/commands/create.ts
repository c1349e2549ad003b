import type { Command } from "commander";
import type { CreateArguments } from "../graph/change.ts";
import { collect, commentOption, formatOption } from "../options.ts";

const help = `
A port is [NAME=]END, perhaps with settings behind commas; the end is dev:DEVICE, host:DEVICE or INSTANCE.PORT. A device
gives the port its name unless it has one; a NAME alone is a port that is not linked yet.

Examples:
  iovisor create switch sw1 --port dev:veth0,vlan=10 --port lan2=dev:veth1,vlan=10 --port uplink
  iovisor create acl fw --port inside=sw1.uplink --set rules=@rules.json
  iovisor create ./dscp-marker mark --set mark=46`;

export function configure(command: Command): void {
  command
    .argument("<kind>", "built-in function, folder or npm package")
    .argument("<name>", "of the new instance")
    .option("-p, --port <port>", "a port with its link; may be given several times", collect)
    .option("-s, --set <name=value>", "configuration; NAME.FIELD for a member, JSON or @FILE for lists", collect)
    .addOption(commentOption())
    .addOption(formatOption())
    .addHelpText("after", help)
    .action(async (kind: string, name: string, { port = [], set = [], ...args }: CreateArguments) => {
      const { createInstance } = await import("../graph/change.ts");
      await createInstance(kind, name, { ...args, port, set });
    });
}
