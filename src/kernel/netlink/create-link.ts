/** Making network devices. */
import { NotSupported } from "../../errors.ts";
import type { NetworkNamespace } from "../namespaces.ts";
import { AF, IFLA, IFLA_INFO, NLM_F, RTM } from "./constants.ts";
import { familyOf, ipToBytes, macToBytes } from "./ip.ts";
import { checkedName, getLink, type Link, type LinkReference, linkHeader } from "./links.ts";
import { be16Attribute, bytesAttribute, concat, nest, textAttribute, u8Attribute, u32Attribute } from "./message.ts";
import type { NetlinkSocket } from "./socket.ts";

const VETH_INFO_PEER = 1;
const BRIDGE = { ageingTime: 4, stpState: 5, vlanFiltering: 7, mcastSnooping: 23 } as const;
const MACVLAN_MODE = 1;
const macvlanModes = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;
const VXLAN = { id: 1, group: 2, link: 3, local: 4, ttl: 5, learning: 7, port: 15, group6: 16, local6: 17 } as const;

/** What every new device can be given. */
export interface LinkOptions {
  readonly name: string;
  /** The index it gets, if that is free; by default the namespace's next. For veth give it to both ends or to none. */
  readonly index?: number;
  /** Where it appears; by default the socket's namespace. */
  readonly namespace?: NetworkNamespace;
  readonly mtu?: number;
  readonly address?: string;
  /** Queue counts, for kinds with several; the kernel's default is 1, or one per CPU, by kind. */
  readonly txQueues?: number;
  readonly rxQueues?: number;
}

/** A device to make. `bridge` ageing is in seconds. */
export type LinkSpec =
  | (LinkOptions & { readonly kind: "veth"; readonly peer: LinkOptions })
  | (LinkOptions & {
      readonly kind: "bridge";
      readonly stp?: boolean;
      readonly ageing?: number;
      readonly vlanFiltering?: boolean;
      readonly multicastSnooping?: boolean;
    })
  | (LinkOptions & {
      readonly kind: "macvlan";
      readonly lower: LinkReference;
      readonly mode?: keyof typeof macvlanModes;
    })
  | (LinkOptions & {
      readonly kind: "vxlan";
      /** Network identifier, 0 to 2^24-1. */
      readonly id: number;
      readonly lower?: LinkReference;
      readonly local?: string;
      readonly remote?: string;
      /** UDP port; 4789 by default (RFC 7348), not the kernel's historic 8472. */
      readonly port?: number;
      readonly ttl?: number;
      readonly learning?: boolean;
    })
  | (LinkOptions & { readonly kind: "ifb" | "dummy" });

/** Makes a device and returns it. Throws E_BUSY if the name is taken, NotSupported if the kernel lacks the kind. */
export function createLink(socket: NetlinkSocket, spec: LinkSpec): Link | undefined {
  const action = `creating the ${spec.kind} device ${spec.name}`;
  const info = [textAttribute(IFLA_INFO.kind, spec.kind), nest(IFLA_INFO.data, ...kindAttributes(socket, spec))];
  const payload = concat([
    linkHeader(spec.index),
    ...commonAttributes(spec),
    ...lowerAttributes(socket, spec),
    nest(IFLA.linkInfo, ...info),
  ]);
  try {
    socket.request(action, RTM.newLink, NLM_F.create | NLM_F.exclusive, payload);
  } catch (error) {
    if (!(error instanceof NotSupported)) throw error;
    throw new NotSupported(`${spec.kind} devices`, `${action} failed: this kernel has no ${spec.kind} devices`, {
      remedy: `load the kernel module (\`modprobe ${spec.kind}\`) or use another kind of device`,
    });
  }
  return spec.namespace ? undefined : getLink(socket, spec.name);
}

function commonAttributes(options: LinkOptions): Uint8Array[] {
  const attributes = [textAttribute(IFLA.name, checkedName(options.name))];
  if (options.namespace) attributes.push(u32Attribute(IFLA.netnsFd, options.namespace.fd));
  if (options.mtu !== undefined) attributes.push(u32Attribute(IFLA.mtu, options.mtu));
  if (options.address !== undefined) attributes.push(bytesAttribute(IFLA.address, macToBytes(options.address)));
  if (options.txQueues !== undefined) attributes.push(u32Attribute(IFLA.txQueues, options.txQueues));
  if (options.rxQueues !== undefined) attributes.push(u32Attribute(IFLA.rxQueues, options.rxQueues));
  return attributes;
}

function lowerAttributes(socket: NetlinkSocket, spec: LinkSpec): Uint8Array[] {
  return spec.kind === "macvlan" ? [u32Attribute(IFLA.link, getLink(socket, spec.lower).index)] : [];
}

function kindAttributes(socket: NetlinkSocket, spec: LinkSpec): Uint8Array[] {
  switch (spec.kind) {
    case "veth":
      return [bytesAttribute(VETH_INFO_PEER, concat([linkHeader(spec.peer.index), ...commonAttributes(spec.peer)]))];
    case "bridge":
      return bridgeAttributes(spec);
    case "macvlan":
      return [u32Attribute(MACVLAN_MODE, macvlanModes[spec.mode ?? "bridge"])];
    case "vxlan":
      return vxlanAttributes(socket, spec);
    case "ifb":
    case "dummy":
      return [];
  }
}

function bridgeAttributes(spec: Extract<LinkSpec, { kind: "bridge" }>): Uint8Array[] {
  const attributes: Uint8Array[] = [];
  // Clock ticks of USER_HZ, which is 100 on every architecture we run on.
  if (spec.ageing !== undefined) attributes.push(u32Attribute(BRIDGE.ageingTime, Math.round(spec.ageing * 100)));
  if (spec.stp !== undefined) attributes.push(u32Attribute(BRIDGE.stpState, spec.stp ? 1 : 0));
  if (spec.vlanFiltering !== undefined) attributes.push(u8Attribute(BRIDGE.vlanFiltering, spec.vlanFiltering ? 1 : 0));
  if (spec.multicastSnooping !== undefined) {
    attributes.push(u8Attribute(BRIDGE.mcastSnooping, spec.multicastSnooping ? 1 : 0));
  }
  return attributes;
}

function vxlanAttributes(socket: NetlinkSocket, spec: Extract<LinkSpec, { kind: "vxlan" }>): Uint8Array[] {
  const attributes = [u32Attribute(VXLAN.id, spec.id), be16Attribute(VXLAN.port, spec.port ?? 4789)];
  const address = (v4: number, v6: number, text: string) =>
    bytesAttribute(familyOf(text) === AF.inet ? v4 : v6, ipToBytes(text));
  if (spec.lower !== undefined) attributes.push(u32Attribute(VXLAN.link, getLink(socket, spec.lower).index));
  if (spec.remote !== undefined) attributes.push(address(VXLAN.group, VXLAN.group6, spec.remote));
  if (spec.local !== undefined) attributes.push(address(VXLAN.local, VXLAN.local6, spec.local));
  if (spec.ttl !== undefined) attributes.push(u8Attribute(VXLAN.ttl, spec.ttl));
  if (spec.learning !== undefined) attributes.push(u8Attribute(VXLAN.learning, spec.learning ? 1 : 0));
  return attributes;
}
