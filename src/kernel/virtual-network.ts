/**
 * A network inside the machine: hosts (network namespaces) joined by wires (veth pairs). The demo, the benchmarks and
 * the tests run on such networks; nothing leaves them.
 */
import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from "node:child_process";
import type { Socket as UdpSocket } from "node:dgram";
import { writeFileSync } from "node:fs";
import type { Server, Socket } from "node:net";
import { IovisorError } from "../errors.ts";
import { createVethPair } from "./devices.ts";
import { connectTcp, listenTcp, openUdp } from "./namespace-sockets.ts";
import { NetworkNamespace } from "./namespaces.ts";
import { changeLink } from "./netlink/change-link.ts";
import { NETLINK_ROUTE } from "./netlink/constants.ts";
import { parsePrefix } from "./netlink/ip.ts";
import { setNeighbour } from "./netlink/neighbours.ts";
import { type RouteSpec, setRoute } from "./netlink/routes.ts";
import { NetlinkSocket } from "./netlink/socket.ts";
import { PacketSocket } from "./packet-socket.ts";

/** One end of a wire. */
export interface WireEnd {
  readonly host: string;
  readonly device: string;
  /** "192.0.2.1/24" */
  readonly addresses?: readonly string[];
  /** By default 02:00:00:00:W:E for wire W and end E, counted from 1. */
  readonly mac?: string;
  readonly mtu?: number;
  readonly txQueues?: number;
  readonly rxQueues?: number;
}

/** A network as plain data. Hosts are those that the wires name, and `hosts`. */
export interface NetworkPlan {
  readonly wires: readonly (readonly [WireEnd, WireEnd])[];
  /** Hosts without wires. */
  readonly hosts?: readonly string[];
  readonly routes?: Readonly<Record<string, readonly RouteSpec[]>>;
  /** Hosts that forward packets. */
  readonly forwarding?: readonly string[];
  /** Neighbours find each other by ARP and ND; by default they know each other, so that only wanted frames flow. */
  readonly resolveNeighbours?: boolean;
  /** Name the namespaces with this prefix, for `ip netns`; without, they have no names and cannot be left behind. */
  readonly prefix?: string;
}

/** A host of a network. What it makes inside stays inside. */
export class VirtualHost {
  readonly name: string;
  readonly namespace: NetworkNamespace;
  readonly #children = new Set<ChildProcess>();

  constructor(name: string, namespace: NetworkNamespace) {
    this.name = name;
    this.namespace = namespace;
  }

  /** Runs a synchronous function inside. */
  run<Result>(body: () => Result): Result {
    return this.namespace.run(body);
  }

  /** Starts a process inside; it is killed when the network goes. */
  spawn(command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const child = this.run(() => spawn(command, args, options));
    this.#children.add(child);
    child.once("exit", () => this.#children.delete(child));
    return child;
  }

  /** Runs a command inside to its end and returns what it printed. Throws if it fails or takes over `timeout` ms. */
  exec(command: string, args: readonly string[], timeout = 10_000): string {
    return this.run(() =>
      execFileSync(command, args, { encoding: "utf8", timeout, stdio: ["ignore", "pipe", "pipe"] }),
    );
  }

  /** Opens a netlink socket inside. */
  netlink(): NetlinkSocket {
    return new NetlinkSocket(NETLINK_ROUTE, this.namespace);
  }

  /** Opens a device for raw frames. */
  packets(device: string): PacketSocket {
    return new PacketSocket(device, this.namespace);
  }

  udp(address: string, port = 0): Promise<UdpSocket> {
    return openUdp(this.namespace, address, port);
  }

  listen(address: string, port = 0): Promise<Server> {
    return listenTcp(this.namespace, address, port);
  }

  connect(address: string, port: number, timeout?: number): Promise<Socket> {
    return connectTcp(this.namespace, address, port, timeout);
  }

  /** Kills the processes that were started inside and gives the namespace up. */
  close(): void {
    for (const child of this.#children) child.kill("SIGKILL");
    this.namespace.close();
    if (this.namespace.name !== undefined) NetworkNamespace.delete(this.namespace.name);
  }
}

/** A running network; `using` takes it down. */
export class VirtualNetwork implements Disposable {
  readonly #hosts = new Map<string, VirtualHost>();

  /** Makes the hosts and wires of a plan; on failure nothing stays. */
  constructor(plan: NetworkPlan) {
    try {
      this.#build(plan);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** A host by name. */
  host(name: string): VirtualHost {
    const host = this.#hosts.get(name);
    if (host) return host;
    throw new IovisorError(
      "E_USAGE",
      `the network has no host "${name}"`,
      `its hosts are: ${[...this.#hosts.keys()].join(", ")}`,
    );
  }

  get hosts(): readonly VirtualHost[] {
    return [...this.#hosts.values()];
  }

  close(): void {
    for (const host of this.#hosts.values()) host.close();
    this.#hosts.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #build(plan: NetworkPlan): void {
    const ends = plan.wires.flat();
    const usesIpv6 = ends.some(({ addresses }) => addresses?.some((address) => address.includes(":")));
    for (const name of new Set([...ends.map(({ host }) => host), ...(plan.hosts ?? [])])) {
      const namespace =
        plan.prefix === undefined ? NetworkNamespace.createUnnamed() : NetworkNamespace.create(`${plan.prefix}${name}`);
      this.#hosts.set(name, new VirtualHost(name, namespace));
      prepareHost(this.host(name), usesIpv6, plan.forwarding?.includes(name) ?? false);
    }
    plan.wires.forEach(([left, right], wire) => {
      createVethPair(this.#vethEnd(left, wire, 1), this.#vethEnd(right, wire, 2));
      if (plan.resolveNeighbours) return;
      this.#introduce(left, right, macOf(right, wire, 2));
      this.#introduce(right, left, macOf(left, wire, 1));
    });
    for (const [name, routes] of Object.entries(plan.routes ?? {})) {
      using netlink = this.host(name).netlink();
      for (const route of routes) setRoute(netlink, route);
    }
  }

  #vethEnd(end: WireEnd, wire: number, side: number) {
    return {
      name: end.device,
      namespace: this.host(end.host).namespace,
      address: macOf(end, wire, side),
      addresses: end.addresses ?? [],
      ...(end.mtu !== undefined && { mtu: end.mtu }),
      ...(end.txQueues !== undefined && { txQueues: end.txQueues }),
      ...(end.rxQueues !== undefined && { rxQueues: end.rxQueues }),
    };
  }

  /** Tells `end` the MAC address of its neighbour. */
  #introduce(end: WireEnd, neighbour: WireEnd, mac: string): void {
    using netlink = this.host(end.host).netlink();
    for (const prefix of neighbour.addresses ?? []) {
      setNeighbour(netlink, end.device, parsePrefix(prefix).address, mac);
    }
  }
}

function macOf(end: WireEnd, wire: number, side: number): string {
  return end.mac ?? `02:00:00:00:${(wire + 1).toString(16).padStart(2, "0")}:0${side}`;
}

/** Quiet, so that counts of frames are exact: no IPv6 where it is not used, else no solicitations of its own accord. */
function prepareHost(host: VirtualHost, usesIpv6: boolean, forwarding: boolean): void {
  const set = (path: string, value: number) => writeFileSync(`/proc/sys/net/${path}`, String(value));
  host.run(() => {
    if (usesIpv6) {
      set("ipv6/conf/default/accept_dad", 0);
      set("ipv6/conf/default/router_solicitations", 0);
      set("ipv6/conf/default/addr_gen_mode", 1);
    } else {
      set("ipv6/conf/default/disable_ipv6", 1);
    }
    if (forwarding) {
      set("ipv4/ip_forward", 1);
      if (usesIpv6) set("ipv6/conf/all/forwarding", 1);
    }
  });
  using netlink = host.netlink();
  changeLink(netlink, "lo", { up: true });
}
