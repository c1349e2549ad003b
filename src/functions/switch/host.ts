import type { FloodGroup, HostSide, InstanceView, TableContents } from "../../engine/host/host-side.ts";
import { ticksPerSecond } from "../../engine/host/ticks.ts";
import { checkSwitch } from "./check.ts";
import {
  linkLocalMask,
  mostPorts,
  type SwitchPort,
  staticStations,
  stormTraffic,
  switchPorts,
} from "./configuration.ts";
import { configSchema, portSchema } from "./schemas.ts";
import { tableViews } from "./table-views.ts";
import { firstVlan, hasVlan, lastVlan } from "./vlans.ts";

const unlimited = 0xffff_ffff;
const portBytes = 512;

function portTable(ports: readonly SwitchPort[]): TableContents {
  const byNumber = new Map(ports.map((port) => [port.number, port]));
  return Array.from({ length: mostPorts }, (_, number) => {
    const port = byNumber.get(number);
    return [
      number,
      {
        identity: port?.identity ?? 0,
        untagged: port?.untagged ?? 0,
        access: Number(port?.access ?? false),
        rates: stormTraffic.map((traffic) => port?.storm[traffic] ?? unlimited),
        members: port?.members ?? new Uint8Array(portBytes),
      },
    ] as const;
  });
}

/** The groups for flooding, and the group of each VLAN: VLANs with the same ports, tagged alike, share one. */
function groupsOf(ports: readonly SwitchPort[]): {
  readonly groups: readonly FloodGroup[];
  readonly ofVlan: readonly number[];
} {
  const groups = new Map<string, FloodGroup>();
  const ofVlan = new Array<number>(lastVlan + 2).fill(0);
  for (let vlan = firstVlan; vlan <= lastVlan; vlan++) {
    const members = ports
      .filter((port) => port.linked && hasVlan(port.members, vlan))
      .map(({ number, untagged }) => ({ port: number, tagged: untagged !== vlan }));
    const key = members.map(({ port, tagged }) => `${port}${tagged ? "t" : "u"}`).join(" ");
    const group = groups.get(key) ?? { group: groups.size, members };
    groups.set(key, group);
    ofVlan[vlan] = group.group;
  }
  return { groups: [...groups.values()], ofVlan };
}

function tables(instance: InstanceView): Readonly<Record<string, TableContents>> {
  const ports = switchPorts(instance);
  const identities = new Map(ports.map(({ name, identity }) => [name, identity]));
  return {
    portTable: portTable(ports),
    groups: groupsOf(ports).ofVlan.map((group, vlan) => [vlan, group] as const),
    statics: staticStations(instance).map(
      ({ mac, vlan, port }) => [{ mac, vlan }, port === undefined ? 0 : identities.get(port)!] as const,
    ),
  };
}

/** The host side of the switch. */
const host: HostSide = {
  title: "Switch",
  description: "Forwards Ethernet frames between its ports by the addresses that it learns, with VLANs (IEEE 802.1Q).",
  configurationTables: ["portTable", "groups", "statics"],
  configSchema,
  portSchema,
  check: checkSwitch,
  computedSettings: ["ticksPerSecond", "linkLocalMask", "statics", "storms"],
  settings: (instance) => ({
    ticksPerSecond: ticksPerSecond(),
    linkLocalMask: linkLocalMask(instance),
    statics: staticStations(instance).length > 0,
    storms: switchPorts(instance).some(({ storm }) => Object.keys(storm).length > 0),
  }),
  tables,
  floodGroups: (instance) => groupsOf(switchPorts(instance)).groups,
  tableViews,
};

export default host;
