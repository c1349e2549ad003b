/** What host mode asks of the graph. */
import type { ConfigProblem, InstancePort, InstanceView, JsonObject } from "../../engine/host/host-side.ts";
import { followsKernel } from "./configuration.ts";

export function checkHostMode(instance: InstanceView): readonly ConfigProblem[] {
  if (!followsKernel(instance)) return sourceCheckWithout(instance);
  return [...kernelsOwn(instance), ...instance.ports.flatMap(checkDevice), ...otherNamespaces(instance)];
}

function sourceCheckWithout({ config }: InstanceView): readonly ConfigProblem[] {
  if ((config["sourceCheck"] ?? "none") === "none") return [];
  const message = "sources are checked by the kernel's routes, which this router does not follow";
  return [{ path: "config.sourceCheck", message, remedy: 'leave it out, or set "mode": "host"' }];
}

/** How the kernel is told what a router of its own is told by the graph. */
const commands = {
  routes: "ip route, or a routing daemon",
  neighbours: "ip neighbour",
  local: "the kernel's own stack, which gets such packets",
  icmpRate: "sysctl net.ipv4.icmp_ratelimit and net.ipv6.icmp.ratelimit",
  addresses: "ip address",
  mac: "ip link",
  mtu: "ip link",
} as const;

function kernelsOwn({ config, ports }: InstanceView): readonly ConfigProblem[] {
  const of = (given: JsonObject, path: string, names: readonly (keyof typeof commands)[]): readonly ConfigProblem[] =>
    names
      .filter((name) => isGiven(given[name]))
      .map((name) => ({
        path: `${path}.${name}`,
        message: `in host mode the kernel has its own ${name}`,
        remedy: `leave it out, and use ${commands[name]}`,
      }));
  return [
    ...of(config, "config", ["routes", "neighbours", "local", "icmpRate"]),
    ...ports.flatMap((port) => of(port.config, `ports.${port.name}`, ["addresses", "mac", "mtu"])),
  ];
}

function isGiven(value: JsonObject[string] | undefined): boolean {
  return value !== undefined && !(Array.isArray(value) && value.length === 0);
}

function checkDevice({ name, linked, outer }: InstancePort): readonly ConfigProblem[] {
  if (!linked || outer) return [];
  const message = "in host mode a port leads to one device of the kernel, and this one does not";
  const remedy = "link it to a device's wire side, directly or through functions of two linked ports, such as an acl";
  return [{ path: `ports.${name}`, message, remedy }];
}

/** The kernel's routes lead to devices of the namespace in which a packet came in. */
function otherNamespaces({ ports }: InstanceView): readonly ConfigProblem[] {
  const devices = ports.flatMap(({ name, outer }) => (outer ? [{ port: name, ...outer }] : []));
  const [first] = devices;
  return devices.slice(1).flatMap(({ port, name, netns }): readonly ConfigProblem[] => {
    if (netns === first!.netns) return [];
    const place = (namespace: string | undefined): string => namespace ?? "the visor's own namespace";
    const other = `"${first!.name}" of port '${first!.port}' in ${place(first!.netns)}`;
    const message = `"${name}" is in ${place(netns)}, ${other}`;
    return [{ path: `ports.${port}`, message, remedy: "use devices of one namespace, and a router for each" }];
  });
}
