import {
  formatMac,
  macIn,
  numberIn,
  portIn,
  type TableContext,
  type TableRow,
  type TableView,
} from "../../engine/host/table-view.ts";
import { ageingSeconds, identityOf, portNumber, usualVlan } from "./configuration.ts";
import { firstVlan, lastVlan } from "./vlans.ts";

interface StationKey {
  readonly mac: Uint8Array;
  readonly vlan: number;
}

interface Learned {
  readonly seen: bigint;
  readonly port: number;
  readonly moves: number;
}

/** The port of an identity, while it is there. */
function portOf(identity: number, { instance }: TableContext): string | undefined {
  const port = instance.ports.find(({ number }) => number === portNumber(identity));
  return port && identityOf(port) === identity ? port.name : undefined;
}

function keyIn(row: TableRow): { readonly mac: Uint8Array; readonly vlan: number } {
  return {
    mac: macIn(row, "mac"),
    vlan: row["vlan"] === undefined ? usualVlan : numberIn(row, "vlan", firstVlan, lastVlan),
  };
}

const mac = { name: "mac", title: "MAC address", type: "text", key: true } as const;
const vlan = { name: "vlan", title: "VLAN", type: "number", key: true, default: usualVlan } as const;

/** Learned stations. What was added by hand ages as if the station had sent a frame just then. */
const fdb: TableView = {
  map: "fdb",
  title: "Learned stations",
  columns: [
    mac,
    vlan,
    { name: "port", title: "Port", type: "text" },
    { name: "age", title: "Silent for (s)", type: "number", computed: true },
    { name: "moves", title: "Moves", type: "number", computed: true },
  ],
  flush: true,
  show({ key, value }, context) {
    const station = key as unknown as StationKey;
    const learned = value as unknown as Learned;
    const port = portOf(learned.port, context);
    const ticks = context.ticks.now() - learned.seen;
    const age = Math.max(0, Number(ticks) / context.ticks.perSecond);
    if (port === undefined || age >= ageingSeconds(context.instance)) return undefined;
    return { mac: formatMac(station.mac), vlan: station.vlan, port, age: Math.floor(age), moves: learned.moves };
  },
  parse(row, context) {
    const port = identityOf(portIn(row, "port", context));
    return { key: keyIn(row), value: { seen: context.ticks.now(), port, moves: 0 } };
  },
  parseKey: keyIn,
};

const statics: TableView = {
  map: "statics",
  title: "Static stations",
  columns: [mac, vlan, { name: "port", title: "Port", type: "text" }],
  flush: false,
  show({ key, value }, context) {
    const station = key as unknown as StationKey;
    const port = value === 0 ? "blackhole" : (portOf(value as number, context) ?? "");
    return { mac: formatMac(station.mac), vlan: station.vlan, port };
  },
};

export const tableViews: readonly TableView[] = [fdb, statics];
