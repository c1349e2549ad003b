import type { HostSide, InstanceView, TableContents } from "../../engine/host/host-side.ts";
import { ticksPerSecond } from "../../engine/host/ticks.ts";
import { familyOf, wordsOf } from "./addresses.ts";
import { checkRouter } from "./check.ts";
import { mostPorts, routerPorts, staticNeighbours } from "./configuration.ts";
import { LiveRoutes, liveArrays } from "./live-routes.ts";
import { keyOf } from "./neighbours.ts";
import { hasGroups, roomOf } from "./room.ts";
import { routeTable } from "./route-table.ts";
import { RouterProcess } from "./router-process.ts";
import { configSchema, portSchema } from "./schemas.ts";
import { tableViews } from "./table-views.ts";

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
        device: port?.device ?? 0,
        unused2: 0,
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

/** In host mode: where packets for a device of the kernel leave. */
function deviceTable(instance: InstanceView): TableContents {
  return routerPorts(instance).flatMap(({ device, number }) => (device === 0 ? [] : [[device, number] as const]));
}

/** So many seconds, about, after which a packet to a neighbour goes by the kernel's stack, for it to be asked after. */
const secondsBetweenChecks = 4;

/** The host side of the router. */
const host: HostSide = {
  title: "Router",
  description: "Forwards IPv4 and IPv6 between its ports by longest prefix match, and resolves its neighbours.",
  configSchema,
  portSchema,
  configurationTables: ["portTable", "devicePorts", "statics4", "statics6"],
  check: checkRouter,
  computedSettings: ["ticksPerSecond", "checkShift", "ipv6", "groups", "statics"],
  settings: (instance) => ({
    ticksPerSecond: ticksPerSecond(),
    checkShift: Math.max(1, Math.round(Math.log2(secondsBetweenChecks * ticksPerSecond()))),
    ipv6: instance.config["ipv6"] ?? true,
    groups: hasGroups(instance),
    statics: staticNeighbours(instance).length > 0,
  }),
  mapSizes: roomOf,
  live: { arrays: liveArrays, word: "routeVersion", table: routeTable, open: () => new LiveRoutes() },
  tables: (instance) => ({
    portTable: portTable(instance),
    devicePorts: deviceTable(instance),
    statics4: staticTable(instance, 4),
    statics6: staticTable(instance, 6),
  }),
  mtus: (instance) => Object.fromEntries(routerPorts(instance).map(({ name, mtu }) => [name, mtu])),
  tableViews,
  start: (context) => new RouterProcess(context),
};

export default host;
