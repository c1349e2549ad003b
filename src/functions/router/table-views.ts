import {
  formatMac,
  macIn,
  portIn,
  type TableContext,
  type TableRow,
  type TableView,
} from "../../engine/host/table-view.ts";
import { IovisorError } from "../../errors.ts";
import { type Family, formatAddress, parseAddress } from "./addresses.ts";
import { keyOf, type Neighbour, type NeighbourKey, neighbourMaps, type Place, placeOf, states } from "./neighbours.ts";

function placeIn(row: TableRow, family: Family, context: TableContext): Place {
  const address = parseAddress(String(row["address"]));
  if (address?.length === (family === 4 ? 4 : 16)) return { address, port: portIn(row, "port", context).number };
  const given = "address" in row ? JSON.stringify(row["address"]) : "nothing";
  const wanted = `an IPv${family} address`;
  throw new IovisorError("E_USAGE", `address: expected ${wanted}, got ${given}`, `give address as ${wanted}`);
}

function portName(number: number, { instance }: TableContext): string | undefined {
  return instance.ports.find((port) => port.number === number)?.name;
}

function stateName(state: number): string {
  return Object.entries(states).find(([, value]) => value === state)?.[0] ?? String(state);
}

const columns = [
  { name: "address", title: "Address", type: "text", key: true },
  { name: "port", title: "Port", type: "text", key: true },
  { name: "mac", title: "MAC address", type: "text" },
  { name: "state", title: "State", type: "text", computed: true },
  { name: "age", title: "Silent for (s)", type: "number", computed: true },
] as const;

/** Neighbours that were found. What is added by hand is asked as if it had been heard of just then. */
function neighbours(family: Family): TableView {
  return {
    map: neighbourMaps[family],
    title: family === 4 ? "Neighbours (ARP)" : "Neighbours (ND)",
    columns,
    flush: true,
    show({ key, value }, context) {
      const { address, port } = placeOf(key as unknown as NeighbourKey);
      const { mac, state, confirmed } = value as unknown as Neighbour;
      const name = portName(port, context);
      if (name === undefined) return undefined;
      const age = Math.max(0, Math.floor(Number(context.ticks.now() - confirmed) / context.ticks.perSecond));
      return { address: formatAddress(address), port: name, mac: formatMac(mac), state: stateName(state), age };
    },
    parse(row, context) {
      const now = context.ticks.now();
      const mac = macIn(row, "mac");
      const value = { mac, state: states.reachable, unused: 0, confirmed: now, used: now, punts: 0, unused2: 0 };
      return { key: { ...keyOf(placeIn(row, family, context)) }, value };
    },
    parseKey: (row, context) => ({ ...keyOf(placeIn(row, family, context)) }),
  };
}

export const tableViews: readonly TableView[] = [neighbours(4), neighbours(6)];
