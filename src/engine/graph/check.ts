import { printEnd } from "./links.ts";
import { type Finding, listed, type Path } from "./problems.ts";
import type { ReadGraph } from "./read.ts";
import { deviceNameFault } from "./read.ts";
import { type Device, deviceOf, type Graph, type LinkEnd } from "./types.ts";

/** What the graph by itself says of its links and devices. Ports are looked for with the catalogue. */
export function checkGraph(read: ReadGraph): readonly Finding[] {
  return [...checkDevices(read), ...checkLinks(read)];
}

function checkLinks({ graph, linkIndices: indices, unread }: ReadGraph): readonly Finding[] {
  const findings: Finding[] = [];
  const linked = new Map<string, number>();
  for (const [position, link] of graph.links.entries()) {
    const index = indices[position]!;
    const add = (message: string, remedy: string): number => findings.push({ path: ["links", index], message, remedy });
    const ends = [link.from, link.to];
    for (const end of ends) {
      const isMissing = end.kind === "port" && !Object.hasOwn(graph.functions, end.instance);
      if (isMissing && !unread.has(["functions", end.instance]))
        add(
          `there is no function '${end.instance}': there is ${listed(Object.keys(graph.functions))}`,
          "add it to functions, or mend the name",
        );
    }
    if (ends.every((end) => end.kind !== "port"))
      add("no function is at either end", "put one between; a device's two sides are joined without a link");
    const [from, to] = ends.map(printEnd) as [string, string];
    if (from === to) {
      add(`'${from}' is linked to itself`, "link it to another port");
      continue;
    }
    for (const end of [from, to]) {
      const other = linked.get(end);
      if (other === undefined) linked.set(end, index);
      else
        add(`'${end}' is linked already, by links[${other}]`, "a port has one link; put a switch where several meet");
    }
  }
  return findings;
}

interface Claim {
  readonly name: string;
  readonly device: Device;
  readonly path: Path;
}

/** Every device that the graph uses, mentioned or only named in a link. */
function claims(graph: Graph, indices: readonly number[]): readonly Claim[] {
  const found = new Map<string, Claim>();
  for (const [name, device] of Object.entries(graph.devices))
    found.set(name, { name, device, path: ["devices", name] });
  for (const [position, { from, to }] of graph.links.entries()) {
    for (const end of [from, to]) {
      const name = deviceName(end);
      if (name === undefined || found.has(name)) continue;
      found.set(name, { name, device: deviceOf(graph, name), path: ["links", indices[position]!] });
    }
  }
  return [...found.values()];
}

function deviceName(end: LinkEnd): string | undefined {
  return end.kind === "port" ? undefined : end.device;
}

function checkDevices({ graph, linkIndices, unread }: ReadGraph): readonly Finding[] {
  const findings: Finding[] = [];
  const before: Claim[] = [];
  for (const claim of claims(graph, linkIndices)) {
    const { name, device, path } = claim;
    if (unread.has(["devices", name])) continue;
    const fault = Object.hasOwn(graph.devices, name) ? undefined : deviceNameFault(name);
    if (fault)
      findings.push({
        path,
        message: `'${name}' is no name of a device: ${fault}`,
        remedy: `say in devices which device '${name}' is`,
      });
    const other = before.find((one) => overlap(one.device, device));
    if (other)
      findings.push({
        path,
        message: `'${name}' means the device ${printDevice(device)}, which '${other.name}' means too`,
        remedy: "a device has one name in a graph; use the same one in every link",
      });
    before.push(claim);
  }
  return findings;
}

function printDevice({ name, netns }: Device): string {
  return netns === undefined ? name : `${name} of namespace ${netns}`;
}

/** Whether one device of the kernel can be both. */
function overlap(a: Device, b: Device): boolean {
  if (a.netns !== b.netns || a.name === "" || b.name === "") return false;
  const [first, second] = [a.name, b.name].map((name) => name.replace(/\*$/, "")) as [string, string];
  const wide = (device: Device): boolean => device.name.endsWith("*");
  return a.name === b.name || (wide(a) && second.startsWith(first)) || (wide(b) && first.startsWith(second));
}

/** The port ends of all links, with the place of each link. */
export function portEnds({ graph, linkIndices }: ReadGraph): readonly {
  readonly end: LinkEnd & { kind: "port" };
  readonly index: number;
}[] {
  return graph.links.flatMap(({ from, to }, position) =>
    [from, to].flatMap((end) => (end.kind === "port" ? [{ end, index: linkIndices[position]! }] : [])),
  );
}
