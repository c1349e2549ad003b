import { NetworkNamespace } from "../../kernel/namespaces.ts";
import { NETLINK_ROUTE } from "../../kernel/netlink/constants.ts";
import { listLinks } from "../../kernel/netlink/links.ts";
import { NetlinkSocket } from "../../kernel/netlink/socket.ts";
import type { Visor } from "../visor/visor.ts";

/** A device of the visor's own network namespace, or of one that the graph names. */
export interface DeviceReport {
  readonly name: string;
  /** Absent for the visor's own. */
  readonly netns?: string;
  readonly ifindex: number;
  /** "veth", "bridge"; absent for physical devices. */
  readonly kind?: string;
  readonly mac?: string;
  readonly mtu: number;
  readonly up: boolean;
  readonly carrier: boolean;
  /** What the graph calls it, where it does. */
  readonly alias?: string;
  /** Hooks where the visor is attached. */
  readonly attached: readonly string[];
}

/** Network namespaces that a graph names, beside the visor's own (undefined). */
export function namespacesOf(visor: Visor): readonly (string | undefined)[] {
  const named = Object.values(visor.graph.devices).map((device) => device.netns);
  return [...new Set([undefined, ...named])];
}

export function listDevices(visor: Visor): readonly DeviceReport[] {
  const there = new Set(NetworkNamespace.list());
  return namespacesOf(visor)
    .filter((netns) => netns === undefined || there.has(netns))
    .flatMap((netns) => devicesIn(visor, netns));
}

function devicesIn(visor: Visor, netns: string | undefined): readonly DeviceReport[] {
  using namespace = netns === undefined ? undefined : NetworkNamespace.open(netns);
  using socket = new NetlinkSocket(NETLINK_ROUTE, namespace);
  const attachments = visor.running.record.attachments.filter((one) => one.netns === netns);
  const known = visor.prepared?.model.devices.filter((device) => device.netns === netns) ?? [];
  return listLinks(socket).map(({ name, index, kind, address, mtu, up, carrier }): DeviceReport => {
    const alias = known.find((device) => device.found?.ifindex === index)?.alias;
    return {
      name,
      ...(netns === undefined ? {} : { netns }),
      ifindex: index,
      ...(kind === undefined ? {} : { kind }),
      ...(address === undefined ? {} : { mac: address }),
      ...{ mtu, up, carrier },
      ...(alias === undefined ? {} : { alias }),
      attached: attachments.filter((one) => one.ifindex === index).map(({ spec }) => spec.hook),
    };
  });
}
