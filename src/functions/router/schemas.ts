import type { JsonObject } from "../../engine/host/host-side.ts";

const address = { type: "string", title: "IPv4 or IPv6 address" } as const;
const mac = { type: "string", title: "MAC address" } as const;

export const portSchema: JsonObject = {
  type: "object",
  additionalProperties: false,
  properties: {
    addresses: {
      type: "array",
      items: { type: "string" },
      default: [],
      title: "Addresses with prefix lengths",
      description: '"10.0.0.1/24", "2001:db8::1/64": the router has the address, and the network is on this port',
    },
    mac: { ...mac, description: "absent: that of the device, or one that is derived from the port's name" },
    mtu: {
      type: "integer",
      minimum: 68,
      maximum: 65_535,
      title: "MTU",
      description: "greatest packet that leaves by this port; absent: the least of the devices behind it, or 1500",
    },
  },
};

const route: JsonObject = {
  type: "object",
  additionalProperties: false,
  required: ["prefix"],
  properties: {
    prefix: { type: "string", title: "Prefix", description: '"10.1.0.0/16"; "0.0.0.0/0" is the default route' },
    via: { ...address, title: "Gateway" },
    port: { type: "string", title: "Port", description: "without a gateway: hosts of the prefix are on this port" },
    metric: {
      type: "integer",
      minimum: 0,
      maximum: 0xffff_ffff,
      default: 0,
      title: "Metric",
      description: "of routes to one prefix the lowest counts; flows are spread over those that have it",
    },
    blackhole: { type: "boolean", default: false, title: "Packets are dropped without a word" },
    prohibit: { type: "boolean", default: false, title: "Packets are dropped and their senders told" },
  },
};

export const configSchema: JsonObject = {
  type: "object",
  additionalProperties: false,
  properties: {
    routes: { type: "array", items: route, default: [], title: "Static routes" },
    neighbours: {
      type: "array",
      maxItems: 4096,
      default: [],
      title: "Static neighbours",
      items: {
        type: "object",
        additionalProperties: false,
        required: ["port", "address", "mac"],
        properties: { port: { type: "string", title: "Port" }, address, mac },
      },
    },
    mode: {
      enum: ["own", "host"],
      default: "own",
      title: "Whose routes",
      description: "own: those of the graph; host: addresses, routes and neighbours that the kernel's devices have",
    },
    sourceCheck: {
      enum: ["none", "loose", "strict"],
      default: "none",
      title: "Check of sources in host mode",
      description: "packets whose source has no route back, or none by their own port, are left to the kernel",
    },
    ipv6: { type: "boolean", default: true, title: "Route IPv6" },
    icmpRate: {
      type: "integer",
      minimum: 0,
      maximum: 1_000_000,
      default: 100,
      title: "ICMP errors per second and port",
      description: "packets that came in by a port and are answered with an error, or cut into fragments",
    },
    local: {
      enum: ["drop", "host"],
      default: "drop",
      title: "Packets for the router",
      description: "what becomes of those that it does not answer itself: drop, or host for the kernel's own stack",
    },
  },
};
