/** What the schemas cannot say about routes. */
import type { ConfigProblem, InstanceView, JsonObject } from "../../engine/host/host-side.ts";
import { isImmutable } from "../../engine/host/immutable.ts";
import { formatAddress, isNoHost, parseAddress, parsePrefix } from "./addresses.ts";
import { changedItems } from "./changed-items.ts";
import { hopTextOf, objects, type RouterPort, routeOf, routeText } from "./configuration.ts";
import { hopOf } from "./routes.ts";

/** The list of routes of an instance that was found to be right, and what of the ports that depended on. */
interface RightList {
  readonly ports: string;
  readonly routes: readonly JsonObject[];
}

/** Of the instances that were checked last: most routes stay as they are. */
const rightLists = new Map<string, RightList>();
const mostRightLists = 8;

function keep(instance: string, list: RightList): void {
  rightLists.delete(instance);
  if (!isImmutable(list.routes)) return;
  rightLists.set(instance, list);
  for (const oldest of rightLists.keys()) if (rightLists.size > mostRightLists) rightLists.delete(oldest);
}

export function checkRoutes(instance: InstanceView, ports: readonly RouterPort[]): readonly ConfigProblem[] {
  const routes = objects(instance.config["routes"]);
  const known = rightLists.get(instance.name);
  const portsText = JSON.stringify(instance.ports.map(({ name, config }) => [name, config["addresses"]]));
  const right = known?.ports === portsText ? known.routes : [];
  const check = new RouteCheck(instance, ports);
  if (changedItems(right, routes, routeText).added.every((entry) => !check.problem(entry))) {
    keep(instance.name, { ports: portsText, routes });
    return [];
  }
  return routes.flatMap((entry, index) => {
    const problem = check.problem(entry);
    if (!problem) return [];
    return [{ ...problem, path: `config.routes[${index}]${problem.path === "" ? "" : `.${problem.path}`}` }];
  });
}

class RouteCheck {
  readonly #instance: InstanceView;
  readonly #ports: readonly RouterPort[];
  /** By the text of the next hop and the family: most routes lead to few. */
  readonly #ofHops = new Map<string, ConfigProblem | undefined>();

  constructor(instance: InstanceView, ports: readonly RouterPort[]) {
    this.#instance = instance;
    this.#ports = ports;
  }

  problem(entry: JsonObject): ConfigProblem | undefined {
    const text = String(entry["prefix"]);
    const remedy = 'write a network and its length, "10.1.0.0/16": bits behind the length are zero';
    const prefix = parsePrefix(text);
    if (!prefix) return { path: "prefix", message: `"${text}" is no prefix`, remedy };
    const wrong = contradiction(entry);
    if (wrong) return wrong;
    const bytes = prefix.address.length;
    const hop = `${bytes} ${"via" in entry} ${"port" in entry} ${hopTextOf(entry)}`;
    if (!this.#ofHops.has(hop)) this.#ofHops.set(hop, this.#hopProblem(entry, bytes));
    return this.#ofHops.get(hop);
  }

  #hopProblem(entry: JsonObject, bytes: number): ConfigProblem | undefined {
    const problem = gatewayProblem(entry, bytes, this.#ports) ?? portProblem(entry, this.#instance);
    return problem ?? reachProblem(entry, this.#ports);
  }
}

function contradiction(entry: JsonObject): ConfigProblem | undefined {
  const refused = entry["blackhole"] === true || entry["prohibit"] === true;
  const leads = "via" in entry || "port" in entry;
  if (entry["blackhole"] === true && entry["prohibit"] === true)
    return { path: "", message: "it is a blackhole and prohibited", remedy: "keep one of them" };
  if (refused && leads) return { path: "", message: "packets that are dropped go nowhere", remedy: "leave out where" };
  if (!refused && !leads)
    return { path: "", message: "it leads nowhere", remedy: 'give "via", "port", "blackhole" or "prohibit"' };
  return undefined;
}

function gatewayProblem(entry: JsonObject, bytes: number, ports: readonly RouterPort[]): ConfigProblem | undefined {
  if (!("via" in entry)) return undefined;
  const via = parseAddress(String(entry["via"]));
  if (!via || isNoHost(via) || via.length !== bytes) {
    const message = `"${String(entry["via"])}" is no host's address of the prefix's family`;
    return { path: "via", message, remedy: "write the address of a router on one of the ports" };
  }
  const own = ports.some(({ addresses }) => addresses.some(({ address }) => Buffer.compare(address, via) === 0));
  return own ? { path: "via", message: "it is this router's own address", remedy: "name another router" } : undefined;
}

export function portProblem(entry: JsonObject, { name, ports }: InstanceView): ConfigProblem | undefined {
  if (!("port" in entry) || ports.some((port) => port.name === entry["port"])) return undefined;
  const known = ports.map((port) => port.name).join(", ");
  const message = `port '${String(entry["port"])}' does not exist on '${name}': it has ${known}`;
  return { path: "port", message, remedy: "name one of its ports" };
}

function reachProblem(entry: JsonObject, ports: readonly RouterPort[]): ConfigProblem | undefined {
  const route = routeOf(entry)!;
  if (hopOf(route, ports)) return undefined;
  const remedy = 'give "port", or a port an address in the gateway\'s network';
  return { path: "via", message: `no port reaches ${formatAddress(route.via!)}`, remedy };
}
