import type { GraphDocument } from "../../api/graph.ts";
import type { Instance } from "../../api/instances.ts";
import { printYaml } from "../../engine/graph/source.ts";
import { IovisorError } from "../../errors.ts";
import { Client } from "../client/client.ts";
import { absoluteKind } from "../graph/graph-file.ts";
import type { ClientArguments } from "../options.ts";
import { renderInstance } from "./describe.ts";
import { show } from "./output.ts";
import { shownResources, singlePath } from "./resources.ts";

/** `iovisor get`. */
export async function getResource(resource: string, name: string | undefined, args: ClientArguments): Promise<void> {
  const client = new Client(args);
  if (resource === "graph") return await showGraph(await client.get<GraphDocument>("/v1/graph"), args);
  if (Object.hasOwn(shownResources, resource)) {
    if (name !== undefined) throw usage(`"get ${resource}" takes no name`, `\`iovisor describe\` shows a single one`);
    const { load, render } = shownResources[resource as keyof typeof shownResources];
    const value = await load(client);
    return await show(value, args.output, () => render(value as never));
  }
  if (name === undefined) throw usage(`"get ${resource}" needs a name`, `\`iovisor get ${resource}s\` lists them`);
  const of = resource === "function" ? absoluteKind(name, process.cwd()) : name;
  const value = await client.get<unknown>(singlePath(resource, of));
  if (resource === "instance") return await show(value, args.output, () => renderInstance(value as Instance));
  await showGraph(value, args);
}

/** Graphs and schemas are trees: for people they are YAML. */
async function showGraph(value: unknown, { output }: ClientArguments): Promise<void> {
  const text = output === "table" ? await printYaml(value) : "";
  await show(value, output, () => text);
}

function usage(message: string, remedy: string): IovisorError {
  return new IovisorError("E_USAGE", message, remedy);
}
