import { formatMac, parseMac } from "../../capture/address.ts";
import type { ConfigProblem, InstancePort, InstanceView, JsonObject } from "../../engine/host/host-side.ts";
import { contains, formatAddress, isLinkLocal, isNoHost, parseAddress, parseInterface } from "./addresses.ts";
import { checkHostMode } from "./check-host-mode.ts";
import { checkNetworks } from "./check-networks.ts";
import { checkRoutes, portProblem } from "./check-routes.ts";
import { mostPorts, objects, type RouterPort, routerPorts, staticNeighbours, texts } from "./configuration.ts";

/** What the schemas cannot say about a router's configuration. */
export function checkRouter(instance: InstanceView): readonly ConfigProblem[] {
  const problems = [...tooManyPorts(instance), ...instance.ports.flatMap(checkPort), ...checkHostMode(instance)];
  if (problems.length > 0) return problems;
  const ports = routerPorts(instance);
  const repeated = duplicates(ports);
  // One address twice is one network twice, too.
  const networks = repeated.length > 0 ? [] : checkNetworks(ports);
  return [...repeated, ...networks, ...checkRoutes(instance, ports), ...checkNeighbours(instance, ports)];
}

function tooManyPorts({ ports }: InstanceView): readonly ConfigProblem[] {
  if (ports.length <= mostPorts) return [];
  const message = `${ports.length} ports are more than the ${mostPorts} that a router has`;
  return [{ path: "ports", message, remedy: "put a switch in front of some of them" }];
}

function checkPort({ name, config }: InstancePort): readonly ConfigProblem[] {
  const problems = texts(config["addresses"]).flatMap((text, index): readonly ConfigProblem[] => {
    const path = `ports.${name}.addresses[${index}]`;
    const own = parseInterface(text);
    const remedy = 'write the router\'s address with the length of its network, such as "10.0.0.1/24"';
    if (!own) return [{ path, message: `"${text}" is no address with a prefix length`, remedy }];
    if (isNoHost(own.address)) return [{ path, message: `no host can have ${formatAddress(own.address)}`, remedy }];
    if (own.length === 0) return [{ path, message: "a network of all addresses", remedy }];
    if (own.address.length === 16 && isLinkLocal(own.address))
      return [{ path, message: "every port has a link-local address by itself", remedy: "leave it out" }];
    return [];
  });
  const mac = config["mac"];
  if (typeof mac !== "string") return problems;
  const bytes = parseMac(mac);
  const good = bytes && (bytes[0]! & 1) === 0 && bytes.some((byte) => byte !== 0);
  const remedy = "write the address of one station, such as 02:00:00:00:00:01";
  return good ? problems : [...problems, { path: `ports.${name}.mac`, message: `"${mac}" is no station's`, remedy }];
}

function duplicates(ports: readonly RouterPort[]): readonly ConfigProblem[] {
  const seen = new Map<string, string>();
  return ports.flatMap(({ name, addresses }) =>
    addresses.flatMap(({ address }, index): readonly ConfigProblem[] => {
      const key = formatAddress(address);
      const before = seen.get(key);
      seen.set(key, name);
      if (before === undefined) return [];
      const message = `${key} is an address of port '${before}' already`;
      return [{ path: `ports.${name}.addresses[${index}]`, message, remedy: "give each port addresses of its own" }];
    }),
  );
}

function checkNeighbours(instance: InstanceView, ports: readonly RouterPort[]): readonly ConfigProblem[] {
  const good = objects(instance.config["neighbours"]);
  return good.flatMap((entry, index): readonly ConfigProblem[] => {
    const problem = neighbourProblem(entry) ?? portProblem(entry, instance) ?? onLinkProblem(entry, ports);
    return problem ? [{ ...problem, path: `config.neighbours[${index}].${problem.path}` }] : [];
  });
}

function neighbourProblem(entry: JsonObject): ConfigProblem | undefined {
  const address = parseAddress(String(entry["address"]));
  if (!address || isNoHost(address)) {
    const message = `"${String(entry["address"])}" is no host's address`;
    return { path: "address", message, remedy: "write an IPv4 or IPv6 address" };
  }
  const mac = parseMac(String(entry["mac"]));
  if (mac && (mac[0]! & 1) === 0) return undefined;
  const shown = mac ? `${formatMac(mac)} is the address of a group` : `"${String(entry["mac"])}" is no MAC address`;
  return { path: "mac", message: shown, remedy: "write the address of one station, such as 02:00:00:00:00:01" };
}

function onLinkProblem(entry: JsonObject, ports: readonly RouterPort[]): ConfigProblem | undefined {
  const [neighbour] = staticNeighbours({ config: { neighbours: [entry] } });
  const port = ports.find(({ name }) => name === neighbour!.port);
  const { address } = neighbour!;
  if (isLinkLocal(address) || port?.addresses.some((own) => contains(own, address))) return undefined;
  return { path: "address", message: "it is in no network of the port", remedy: "give the port an address there" };
}
