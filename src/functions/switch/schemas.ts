import type { JsonObject } from "../../engine/host/host-side.ts";
import { linkLocalProtocols, stormTraffic, usualAgeing, usualVlan } from "./configuration.ts";
import { firstVlan, lastVlan } from "./vlans.ts";

const vlan = { type: "integer", minimum: firstVlan, maximum: lastVlan } as const;
const rate = { type: "integer", minimum: 0, maximum: 0xffff_fffe } as const;

const rateTitles = {
  broadcast: "Broadcasts",
  multicast: "Multicasts",
  unknown: "Frames to stations that are not known",
} as const;

export const portSchema: JsonObject = {
  type: "object",
  additionalProperties: false,
  properties: {
    mode: {
      enum: ["access", "trunk"],
      default: "access",
      title: "Mode",
      description: "access: untagged frames of one VLAN; trunk: tagged frames of several",
    },
    vlan: { ...vlan, default: usualVlan, title: "VLAN of an access port" },
    native: { ...vlan, title: "VLAN of untagged frames on a trunk", description: "absent: they are dropped" },
    allowed: {
      type: "string",
      default: "all",
      title: "VLANs of a trunk",
      description: 'numbers and ranges, "10,20-30", or "all"',
    },
    storm: {
      type: "object",
      additionalProperties: false,
      title: "Storm control",
      description: "packets that may come in per second and are flooded; what is absent has no limit",
      properties: Object.fromEntries(stormTraffic.map((name) => [name, { ...rate, title: rateTitles[name] }])),
    },
  },
};

export const configSchema: JsonObject = {
  type: "object",
  additionalProperties: false,
  properties: {
    ageing: {
      type: "integer",
      minimum: 0,
      maximum: 1_000_000,
      default: usualAgeing,
      title: "Ageing time in seconds",
      description: "how long a silent station is remembered; 0: nothing is learned, all is flooded",
    },
    linkLocal: {
      type: "array",
      items: { enum: Object.keys(linkLocalProtocols) },
      uniqueItems: true,
      default: [],
      title: "Protocols of neighbours that pass",
      description: "frames to 01:80:c2:00:00:00 to 0f are for the next device and dropped, but for these",
    },
    static: {
      type: "array",
      maxItems: 1024,
      default: [],
      title: "Static stations",
      items: {
        type: "object",
        additionalProperties: false,
        required: ["mac"],
        properties: {
          mac: { type: "string", title: "MAC address" },
          vlan: { ...vlan, default: usualVlan, title: "VLAN" },
          port: { type: "string", title: "Port" },
          blackhole: { type: "boolean", default: false, title: "Drop its frames" },
        },
      },
    },
  },
};
