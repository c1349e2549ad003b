import { VirtualNetwork, type WireEnd } from "../../../kernel/virtual-network.ts";

/** A host of the demo's network: where it is, and how it reaches the rest. */
interface DemoHost {
  readonly name: string;
  readonly vlan: 10 | 20;
  readonly ipv4: string;
  readonly ipv6: string;
}

export const hosts = {
  anna: { name: "anna", vlan: 10, ipv4: "10.66.10.2", ipv6: "fd66:10::2" },
  bert: { name: "bert", vlan: 10, ipv4: "10.66.10.3", ipv6: "fd66:10::3" },
  cleo: { name: "cleo", vlan: 20, ipv4: "10.66.20.2", ipv6: "fd66:20::2" },
} as const satisfies Record<string, DemoHost>;

export const visorHost = "visor";

/** Three hosts, each with a wire to the machine whose kernel has the graph. */
export function demoNetwork(prefix: string): VirtualNetwork {
  const wire = ({ name, ipv4, ipv6 }: DemoHost): readonly [WireEnd, WireEnd] => [
    { host: name, device: "eth0", addresses: [`${ipv4}/24`, `${ipv6}/64`] },
    { host: visorHost, device: `to-${name}` },
  ];
  const via = ({ vlan }: DemoHost) => [
    { destination: "10.66.0.0/16", nextHops: [{ gateway: `10.66.${vlan}.1`, link: "eth0" }] },
    { destination: "fd66::/16", nextHops: [{ gateway: `fd66:${vlan}::1`, link: "eth0" }] },
  ];
  const all: readonly DemoHost[] = Object.values(hosts);
  return new VirtualNetwork({
    prefix,
    resolveNeighbours: true,
    wires: all.map(wire),
    routes: Object.fromEntries(all.map((host) => [host.name, via(host)])),
  });
}

/** TCP port that the second version of the graph closes. */
export const closedPort = 8081;

/**
 * A switch with two VLANs, a router between them, and an access list in front of one of the router's ports.
 *
 * @param closed whether the access list refuses `closedPort`.
 */
export function demoGraph(netns: string, closed: boolean): object {
  const names = Object.values(hosts).map(({ name }) => name);
  const close = { action: "drop", protocol: "tcp", destinationPort: closedPort, comment: "closed by the demo" };
  return {
    functions: {
      sw: {
        kind: "switch",
        ports: {
          ...Object.fromEntries(Object.values(hosts).map(({ name, vlan }) => [name, { vlan }])),
          up10: { vlan: 10 },
          up20: { vlan: 20 },
        },
      },
      fw: {
        kind: "acl",
        config: {
          rules: closed ? [close] : [],
          defaults: { ipv4: "accept", ipv6: "accept", arp: "accept", other: "drop" },
        },
      },
      r1: {
        kind: "router",
        ports: {
          lan10: { addresses: ["10.66.10.1/24", "fd66:10::1/64"] },
          lan20: { addresses: ["10.66.20.1/24", "fd66:20::1/64"] },
        },
      },
    },
    devices: Object.fromEntries(names.map((name) => [`to-${name}`, { name: `to-${name}`, netns }])),
    links: [
      ...names.map((name) => `dev:to-${name} -> sw.${name}`),
      "sw.up10 -> fw.inside",
      "fw.outside -> r1.lan10",
      "sw.up20 -> r1.lan20",
    ],
  };
}
