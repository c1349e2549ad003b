import { formatMac, parseMac } from "../../capture/address.ts";
import type { ConfigProblem, InstancePort, InstanceView, JsonObject } from "../../engine/host/host-side.ts";
import { isImmutable } from "../../engine/host/immutable.ts";
import {
  contains,
  formatAddress,
  isLinkLocal,
  isNoHost,
  parseAddress,
  parseInterface,
  parsePrefix,
} from "./addresses.ts";
import { checkHostMode } from "./check-host-mode.ts";
import { checkNetworks } from "./check-networks.ts";
import { mostPorts, objects, type RouterPort, routeOf, routerPorts, staticNeighbours, texts } from "./configuration.ts";
import { hopOf } from "./routes.ts";

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

function portProblem(entry: JsonObject, { name, ports }: InstanceView): ConfigProblem | undefined {
  if (!("port" in entry) || ports.some((port) => port.name === entry["port"])) return undefined;
  const known = ports.map((port) => port.name).join(", ");
  const message = `port '${String(entry["port"])}' does not exist on '${name}': it has ${known}`;
  return { path: "port", message, remedy: "name one of its ports" };
}

/** Routes that were found to be right, by what of the ports that depends on: most stay as they are. */
const rightRoutes = new Map<string, WeakSet<JsonObject>>();
const mostRightRoutes = 8;

function rightRoutesOf({ name, ports }: InstanceView): WeakSet<JsonObject> {
  const key = JSON.stringify([name, ports.map((port) => [port.name, port.config["addresses"]])]);
  const known = rightRoutes.get(key) ?? new WeakSet();
  rightRoutes.delete(key);
  rightRoutes.set(key, known);
  for (const oldest of rightRoutes.keys()) if (rightRoutes.size > mostRightRoutes) rightRoutes.delete(oldest);
  return known;
}

function checkRoutes(instance: InstanceView, ports: readonly RouterPort[]): readonly ConfigProblem[] {
  const right = rightRoutesOf(instance);
  return objects(instance.config["routes"]).flatMap((entry, index) => {
    if (right.has(entry)) return [];
    const problem = routeProblem(entry, ports) ?? portProblem(entry, instance) ?? reachProblem(entry, ports);
    if (!problem && isImmutable(entry)) right.add(entry);
    if (!problem) return [];
    return [{ ...problem, path: `config.routes[${index}]${problem.path === "" ? "" : `.${problem.path}`}` }];
  });
}

function routeProblem(entry: JsonObject, ports: readonly RouterPort[]): ConfigProblem | undefined {
  const text = String(entry["prefix"]);
  const remedy = 'write a network and its length, "10.1.0.0/16": bits behind the length are zero';
  const prefix = parsePrefix(text);
  if (!prefix) return { path: "prefix", message: `"${text}" is no prefix`, remedy };
  const refused = entry["blackhole"] === true || entry["prohibit"] === true;
  const leads = "via" in entry || "port" in entry;
  if (entry["blackhole"] === true && entry["prohibit"] === true)
    return { path: "", message: "it is a blackhole and prohibited", remedy: "keep one of them" };
  if (refused && leads) return { path: "", message: "packets that are dropped go nowhere", remedy: "leave out where" };
  if (!refused && !leads)
    return { path: "", message: "it leads nowhere", remedy: 'give "via", "port", "blackhole" or "prohibit"' };
  if (!("via" in entry)) return undefined;
  const via = parseAddress(String(entry["via"]));
  if (!via || isNoHost(via) || via.length !== prefix.address.length) {
    const message = `"${String(entry["via"])}" is no host's address of the prefix's family`;
    return { path: "via", message, remedy: "write the address of a router on one of the ports" };
  }
  const own = ports.some(({ addresses }) => addresses.some(({ address }) => Buffer.compare(address, via) === 0));
  return own ? { path: "via", message: "it is this router's own address", remedy: "name another router" } : undefined;
}

function reachProblem(entry: JsonObject, ports: readonly RouterPort[]): ConfigProblem | undefined {
  const route = routeOf(entry)!;
  if (hopOf(route, ports)) return undefined;
  const remedy = 'give "port", or a port an address in the gateway\'s network';
  return { path: "via", message: `no port reaches ${formatAddress(route.via!)}`, remedy };
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
