/** What drivers tell of XDP, over the netdev netlink family (Linux 6.3). */
import { NotSupported } from "../errors.ts";
import type { NetworkNamespace } from "./namespaces.ts";
import { NETLINK_GENERIC } from "./netlink/constants.ts";
import { genericRequest, resolveFamily } from "./netlink/generic.ts";
import { u32Attribute } from "./netlink/message.ts";
import { NetlinkSocket } from "./netlink/socket.ts";

const DEVICE_GET = 1;
const DEVICE = { ifindex: 1, xdpFeatures: 3 } as const;
/** enum netdev_xdp_act (include/uapi/linux/netdev.h). */
const XDP_ACT = { basic: 1, redirect: 2, transmit: 4 } as const;

export interface XdpFeatures {
  /** Programs can pass, drop and send back. */
  readonly basic: boolean;
  /** Programs can send to other devices. */
  readonly redirect: boolean;
  /** The device takes frames that programs of others send to it. It may tell so only while it has a program itself. */
  readonly transmit: boolean;
}

/** What the driver of a device can do at XDP; undefined where the kernel does not tell. */
export function readXdpFeatures(ifindex: number, namespace?: NetworkNamespace): XdpFeatures | undefined {
  using socket = new NetlinkSocket(NETLINK_GENERIC, namespace);
  try {
    const family = resolveFamily(socket, "netdev");
    const action = `reading the XDP features of device ${ifindex}`;
    const [answer] = genericRequest(socket, action, family, DEVICE_GET, [u32Attribute(DEVICE.ifindex, ifindex)]);
    const bits = answer?.u32(DEVICE.xdpFeatures);
    if (bits === undefined) return undefined;
    const has = (bit: number): boolean => (bits & bit) !== 0;
    return { basic: has(XDP_ACT.basic), redirect: has(XDP_ACT.redirect), transmit: has(XDP_ACT.transmit) };
  } catch (error) {
    if (error instanceof NotSupported) return undefined;
    throw error;
  }
}
