import type { FunctionDescription } from "../../api/functions.ts";
import type { Instance } from "../../api/instances.ts";
import type { Pipeline, Pipelines } from "../../api/machine.ts";
import { printYaml } from "../../engine/graph/source.ts";
import { IovisorError } from "../../errors.ts";
import { Client, pathOf } from "../client/client.ts";
import { absoluteKind } from "../graph/graph-file.ts";
import type { ClientArguments } from "../options.ts";
import { paint } from "../terminal.ts";
import { cellText, show, table } from "./output.ts";
import { singlePath } from "./resources.ts";

export interface DescribeArguments extends ClientArguments {
  /** Of a pipeline. */
  readonly form: "source" | "ir" | "bytecode";
}

/** `iovisor describe`. */
export async function describe(what: string, name: string, args: DescribeArguments): Promise<void> {
  const client = new Client(args);
  switch (what) {
    case "instance": {
      const instance = await client.get<Instance>(singlePath("instance", name));
      return await show(instance, args.output, () => renderInstance(instance));
    }
    case "function": {
      const description = await client.get<FunctionDescription>(
        singlePath("function", absoluteKind(name, process.cwd())),
      );
      const settings = await printYaml(description.settings["properties"] ?? {});
      return await show(description, args.output, () => renderFunction(description, settings));
    }
    default:
      await describePipeline(client, name, args);
  }
}

async function describePipeline(client: Client, key: string, { output, form }: DescribeArguments): Promise<void> {
  const { pipelines } = await client.get<Pipelines>("/v1/pipelines");
  const pipeline = pipelines.find((one) => one.key === key);
  if (!pipeline) {
    const there = pipelines.map((one) => one.key).join(", ") || "none";
    throw new IovisorError("E_NOT_FOUND", `there is no pipeline "${key}"`, `there is ${there}`);
  }
  const text = await client.text(pathOf("pipelines", key, form));
  await show({ ...pipeline, [form]: text }, output, () => `${renderPipeline(pipeline)}\n\n${text}`);
}

function section(title: string, body: string): string {
  return `\n${paint("bold", title)}\n${body}\n`;
}

function fields(pairs: readonly (readonly [string, unknown])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}  ${cellText(value)}`).join("\n");
}

export function renderInstance({ name, kind, title, config, ports, drops, tables, ...instance }: Instance): string {
  const portRows = ports.map(({ name: port, number, link, counters, config: settings }) => [
    ...[port, number, link, counters.inPackets, counters.inBytes, counters.outPackets, counters.outBytes],
    Object.keys(settings).length > 0 ? settings : undefined,
  ]);
  const titles = ["port", ">number", "linked to", ">packets in", ">bytes in", ">packets out", ">bytes out", "config"];
  const heads: (readonly [string, unknown])[] = [
    ["name", name],
    ["function", title === kind ? kind : `${kind} (${title})`],
    ["state", instance.state],
    ...hostSideFields(instance.hostSide),
    ["pipelines", instance.pipelines.join(", ") || undefined],
    ...Object.entries(config).map(([key, value]) => [`config.${key}`, value] as const),
  ];
  const dropRows = drops.map(({ reason, packets, bytes, description }) => [reason, packets, bytes, description]);
  const tableRows = tables.map((one) => [one.name, one.holds, one.maximumEntries, one.description]);
  return [
    `${fields(heads)}\n`,
    section("Ports", table(titles, portRows)),
    section("Drops", table(["reason", ">packets", ">bytes", "meaning"], dropRows)),
    section("Tables", table(["table", "holds", ">room", "description"], tableRows)),
  ].join("");
}

/** Of a host side that something failed of. */
function hostSideFields(hostSide: Instance["hostSide"]): readonly (readonly [string, unknown])[] {
  if (!hostSide || hostSide.failures === 0) return [];
  const { state, failures, message, time, nextStart } = hostSide;
  const again = nextStart === undefined ? "" : `, is started again at ${nextStart}`;
  return [
    ["host side", `${state}${again}`],
    ["failures", `${failures}, the last at ${time}: ${message}`],
  ];
}

function renderFunction(of: FunctionDescription, settings: string): string {
  const ports = of.ports.kind === "fixed" ? (of.ports.names ?? []).join(", ") : `up to ${of.ports.maximum}, as named`;
  const reasons = (named: Readonly<Record<string, string>>): string =>
    table(["reason", "meaning"], Object.entries(named));
  const tableRows = Object.entries(of.tables).map(([name, one]) => [name, one.holds, one.description]);
  const heads = [
    ["function", of.kind],
    ["title", of.title],
    ["ports", ports],
  ] as const;
  return [
    `${fields(heads)}\n${of.description}\n`,
    section("Configuration", settings.trimEnd()),
    section("Tables", table(["table", "holds", "description"], tableRows)),
    section("Drop reasons", reasons(of.dropReasons)),
    section("Punt reasons", reasons(of.puntReasons)),
  ].join("");
}

const cutReasons: Readonly<Record<Pipeline["cuts"][number]["why"], string>> = {
  loop: "the function behind it has handled the packet in this pipeline already",
  "fan-out": "the function has more ports that lead to functions than are worth a copy each",
  "fan-in": "many pipelines lead to the function behind it: one program serves them all",
  length: "the pipeline is as long as it may be",
  work: "the kernel's verifier would have too much to do for a longer one",
  maps: "a longer one would have more maps than a program may use",
};

function renderPipeline({ key, hook, functions, cuts, fewPaths, program }: Pipeline): string {
  return fields([
    ["pipeline", key],
    ["hook", hook],
    ["functions", functions.join(", ")],
    ...cuts.map(({ link, why }) => ["goes on at", `${link}: ${cutReasons[why]}`] as const),
    ["program", program && `${program.id}, tag ${program.tag}`],
    ["form", fewPaths && "made for few paths: the fast form is too much for the kernel's verifier"],
    ["instructions", program?.instructions],
    ["verified", program?.verifiedInstructions],
    ["machine code", program && `${program.jitedSize} bytes`],
    ["runs", program?.runs],
  ]);
}
