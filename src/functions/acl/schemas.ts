import type { JsonObject } from "../../engine/host/host-side.ts";
import { etherTypeNames, protocolNames } from "./terms.ts";

const mac = { type: "string", pattern: "^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$" };

function oneOrMore(item: JsonObject): JsonObject {
  return { anyOf: [item, { type: "array", items: item, minItems: 1, maxItems: 1024 }] };
}

function numbered(names: Readonly<Record<string, number>>, maximum: number): JsonObject {
  return oneOrMore({ anyOf: [{ type: "integer", minimum: 0, maximum }, { enum: Object.keys(names) }] });
}

const blocks = oneOrMore({ type: "string" });
const octet = { type: "integer", minimum: 0, maximum: 255 };
const portRanges = oneOrMore({
  anyOf: [
    { type: "integer", minimum: 0, maximum: 65535 },
    { type: "string", pattern: "^[0-9]{1,5}(-[0-9]{1,5})?$" },
  ],
});
const fallback = { enum: ["accept", "drop"] };

const rule: JsonObject = {
  type: "object",
  required: ["action"],
  additionalProperties: false,
  properties: {
    action: { enum: ["accept", "drop", "log", "count"] },
    comment: { type: "string" },
    port: { enum: ["inside", "outside"], description: "where the packet comes in" },
    sourceMac: mac,
    destinationMac: mac,
    etherType: numbered(etherTypeNames, 65535),
    vlan: { anyOf: [{ type: "integer", minimum: 0, maximum: 4094 }, { const: "untagged" }] },
    source: blocks,
    destination: blocks,
    protocol: numbered(protocolNames, 255),
    sourcePort: portRanges,
    destinationPort: portRanges,
    tcpFlags: {
      type: "object",
      required: ["mask", "value"],
      additionalProperties: false,
      properties: { mask: octet, value: octet },
    },
    icmpType: octet,
    icmpCode: octet,
    fragments: { enum: ["none", "first", "later", "any"] },
  },
};

export const configSchema: JsonObject = {
  type: "object",
  additionalProperties: false,
  properties: {
    rules: { type: "array", items: rule, maxItems: 16384 },
    sets: {
      type: "object",
      propertyNames: { pattern: "^[a-zA-Z][a-zA-Z0-9_-]{0,30}$" },
      additionalProperties: { type: "array", items: { type: "string" } },
    },
    defaults: {
      type: "object",
      additionalProperties: false,
      properties: { ipv4: fallback, ipv6: fallback, arp: fallback, other: fallback },
    },
  },
};
