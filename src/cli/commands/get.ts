import { Argument, type Command } from "commander";
import { type ClientArguments, formatOption } from "../options.ts";

const resources = [
  ...["graph", "instances", "devices", "revisions", "functions", "pipelines"],
  ...["instance", "function", "revision"],
] as const;

const help = `
graph, and a revision (its graph), are shown as YAML that \`iovisor apply\` takes.

Examples:
  iovisor get instances
  iovisor get instance fw -o json
  iovisor get revision 12 > before.yaml`;

export function configure(command: Command): void {
  command
    .addArgument(new Argument("<resource>", "what to show").choices(resources))
    .argument("[name]", "which one: of instance, function and revision")
    .addOption(formatOption())
    .addHelpText("after", help)
    .action(async (resource: string, name: string | undefined, args: ClientArguments) => {
      const { getResource } = await import("../show/get.ts");
      await getResource(resource, name, args);
    });
}
