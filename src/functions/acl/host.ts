import type { HostContext, HostProcess, HostSide } from "../../engine/host/host-side.ts";
import { check } from "./check.ts";
import { kernelRules } from "./configuration.ts";
import { startLog } from "./log.ts";
import { configSchema } from "./schemas.ts";

/** The host side of the access list. */
const host: HostSide = {
  title: "access list",
  description: "Ordered rules over the packets between two ports; the first that accepts or drops decides.",
  configSchema,
  check,
  computedSettings: [
    ...["ipv4Rules", "ipv6Rules", "frameRules", "rounds", "namesStations"],
    ...["ipv4Default", "ipv6Default", "arpDefault", "otherDefault"],
  ],
  settings: ({ config }) => {
    const { ipv4, ipv6, frame, rounds, stations } = kernelRules(config);
    const defaults = (config["defaults"] ?? {}) as Readonly<Record<string, string>>;
    return {
      ipv4Rules: ipv4,
      ipv6Rules: ipv6,
      frameRules: frame,
      rounds,
      namesStations: stations.length > 0 ? 1 : 0,
      ...Object.fromEntries(Object.entries(defaults).map(([family, action]) => [`${family}Default`, action])),
    };
  },
  tables: ({ config }) => ({
    stations: kernelRules(config).stations.map((mac, index) => [mac, index + 1] as const),
  }),
  configurationTables: ["stations"],
  start: (context: HostContext): HostProcess => startLog(context),
};

export default host;
