import { createHash } from "node:crypto";
import type { HostSide, InstanceView, TableContents } from "../../engine/host/host-side.ts";
import { ticksPerSecond } from "../../engine/host/ticks.ts";
import { familyOf, wordsOf } from "./addresses.ts";
import { checkRouter } from "./check.ts";
import { configuredRoutes, mostPorts, routerPorts, staticNeighbours } from "./configuration.ts";
import { type Forwarding, forwardingOf } from "./forwarding.ts";
import { keyOf } from "./neighbours.ts";
import { RouterProcess } from "./router-process.ts";
import { type Route, routingTable } from "./routes.ts";
import { configSchema, portSchema } from "./schemas.ts";
import { tableViews } from "./table-views.ts";

interface Worked {
  readonly table: readonly Route[];
  readonly forwarding: Forwarding;
}

/** Several questions are asked about one view, and most changes of a graph leave the routes as they are. */
const byView = new WeakMap<InstanceView, Worked>();
const lately = new Map<string, Worked>();
const mostLately = 8;

/** What the routes of a view follow from: shorter than the view. */
function contentOf({ ports, config }: InstanceView): string {
  const own = ports.map(({ name, number, config: { addresses = [] } }) => [name, number, addresses]);
  return createHash("sha256")
    .update(JSON.stringify([own, config["routes"] ?? []]))
    .digest("base64");
}

function worked(instance: InstanceView): Worked {
  const known = byView.get(instance);
  if (known) return known;
  const content = contentOf(instance);
  let made = lately.get(content);
  if (!made) {
    const table = routingTable(routerPorts(instance), configuredRoutes(instance));
    made = { table, forwarding: forwardingOf(table) };
  }
  lately.delete(content);
  lately.set(content, made);
  for (const oldest of lately.keys()) if (lately.size > mostLately) lately.delete(oldest);
  byView.set(instance, made);
  return made;
}

function portTable(instance: InstanceView): TableContents {
  const byNumber = new Map(routerPorts(instance).map((port) => [port.number, port]));
  return Array.from({ length: mostPorts }, (_, number) => {
    const port = byNumber.get(number);
    const { high, low } = port ? wordsOf(port.linkLocal) : { high: 0n, low: 0n };
    return [
      number,
      {
        mac: port?.mac ?? new Uint8Array(6),
        enabled: port ? 1 : 0,
        unused: 0,
        mtu: port?.mtu ?? 0,
        icmpRate: port?.icmpRate ?? 0,
        linkLocalHigh: high,
        linkLocalLow: low,
      },
    ] as const;
  });
}

function staticTable(instance: InstanceView, family: 4 | 6): TableContents {
  const numbers = new Map(instance.ports.map(({ name, number }) => [name, number]));
  return staticNeighbours(instance)
    .filter(({ address }) => familyOf(address) === family)
    .map(({ port, address, mac }) => [keyOf({ port: numbers.get(port)!, address }), mac] as const);
}

/** The host side of the router. */
const host: HostSide = {
  title: "Router",
  description: "Forwards IPv4 and IPv6 between its ports by longest prefix match, and resolves its neighbours.",
  configSchema,
  portSchema,
  configurationTables: ["portTable", "nextHops", "defaults", "statics4", "statics6"],
  check: checkRouter,
  settings: (instance) => ({
    ticksPerSecond: ticksPerSecond(),
    ipv6: instance.config["ipv6"] ?? true,
    groups: worked(instance).table.some(({ hops }) => hops.length > 1),
    statics: staticNeighbours(instance).length > 0,
  }),
  mapSizes: (instance) => worked(instance).forwarding.sizes,
  arrays: (instance) => worked(instance).forwarding.arrays,
  tables: (instance) => ({
    ...worked(instance).forwarding.tables,
    portTable: portTable(instance),
    statics4: staticTable(instance, 4),
    statics6: staticTable(instance, 6),
  }),
  tableViews,
  start: (context) => new RouterProcess(context),
};

export default host;
