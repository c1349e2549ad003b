/** The routes that packets go by as a table for people. */
import type { InstanceView, LiveRow, LiveTable } from "../../engine/host/host-side.ts";
import type { TableRow } from "../../engine/host/table-view.ts";
import { IovisorError } from "../../errors.ts";
import { type Family, formatAddress, formatPrefix } from "./addresses.ts";
import { followsKernel } from "./configuration.ts";
import type { Hops } from "./hop-numbers.ts";
import { prefixOf, type RouteRows, type Row } from "./route-rows.ts";
import type { NextHop } from "./routes.ts";

export const routeTable: LiveTable = {
  name: "routes",
  title: "Routes that packets go by, one line for each next hop",
  columns: [
    { name: "prefix", title: "Prefix", type: "text", key: true },
    { name: "via", title: "Gateway", type: "text", key: true },
    { name: "port", title: "Port", type: "text", key: true },
    { name: "type", title: "Type", type: "text", computed: true },
    { name: "metric", title: "Metric", type: "number", computed: true },
    { name: "origin", title: "Origin", type: "text", computed: true },
  ],
  remedy:
    "static routes are the setting `routes` of the instance, connected ones the `addresses` of its ports: edit the " +
    "graph, or use `iovisor edit instance`",
};

/** In host mode the kernel has the routes. */
export function refuseKernelRoutes(instance: InstanceView): void {
  if (!followsKernel(instance)) return;
  const netns = instance.ports.find(({ outer }) => outer !== undefined)?.outer?.netns;
  const ip = netns === undefined ? "ip" : `ip -n ${netns}`;
  const message = `"${instance.name}" follows the kernel (mode: host) and has no routes of its own`;
  throw new IovisorError("E_USAGE", message, `\`${ip} route\` and \`${ip} -6 route\` show the kernel's`);
}

/** As in the types of ip-route(8). */
const types: Readonly<Record<NextHop["kind"], string>> = {
  connected: "unicast",
  gateway: "unicast",
  local: "local",
  broadcast: "broadcast",
  blackhole: "blackhole",
  prohibit: "prohibit",
};

/** Of a line: its prefix and the number of its next hop. */
interface Place {
  readonly key: string;
  readonly hop: number;
}

/** IPv4 ahead of IPv6, by prefix, shorter ones ahead of what they hold. */
export function* listRoutes(
  { ports }: InstanceView,
  of: {
    readonly rows: Readonly<Record<Family, RouteRows>>;
    readonly hops: Hops;
    readonly after: string | undefined;
  },
): Generator<LiveRow> {
  const names = new Map(ports.map(({ number, name }) => [number, name]));
  const after = of.after === undefined ? undefined : placeOf(of.after);
  for (const family of [4, 6] as const) {
    if (after && familyOfKey(after.key) > family) continue;
    const isWithin = after !== undefined && familyOfKey(after.key) === family;
    for (const rows of of.rows[family].from(isWithin ? after.key : "")) {
      const { key } = rows[0]!;
      const begin = isWithin && after.key === key ? after.hop + 1 : 0;
      for (const hop of of.hops.numbersOf(rows))
        if (hop >= begin) yield { row: rowOf(rows[0]!, of.hops.at(hop), names), cursor: cursorOf({ key, hop }) };
    }
  }
}

function rowOf({ key, rank }: Row, hop: NextHop, names: ReadonlyMap<number, string>): TableRow {
  return {
    prefix: formatPrefix(prefixOf(key)),
    via: hop.kind === "gateway" ? formatAddress(hop.via) : "",
    port: "port" in hop ? (names.get(hop.port) ?? "") : "",
    type: types[hop.kind],
    metric: Math.max(0, rank),
    origin: rank < 0 ? "connected" : "static",
  };
}

function familyOfKey(key: string): Family {
  return key.length === keyBytes[4] ? 4 : 6;
}

/** An address and the length. */
const keyBytes: Readonly<Record<Family, number>> = { 4: 5, 6: 17 };
const hopBytes = 4;

function cursorOf({ key, hop }: Place): string {
  const bytes = Buffer.alloc(key.length + hopBytes);
  bytes.write(key, "latin1");
  bytes.writeUInt32BE(hop, key.length);
  return bytes.toString("base64url");
}

function placeOf(cursor: string): Place {
  const bytes = Buffer.from(cursor, "base64url");
  const length = bytes.length - hopBytes;
  if (length === keyBytes[4] || length === keyBytes[6])
    return { key: bytes.toString("latin1", 0, length), hop: bytes.readUInt32BE(length) };
  throw new IovisorError("E_USAGE", `"${cursor}" is no cursor of this table`, "pass the cursor of the page before");
}
