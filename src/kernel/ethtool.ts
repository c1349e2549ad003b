/** Offload features and queue counts of devices, over the ethtool netlink family (Linux 5.6). */
import { IovisorError, NotSupported } from "../errors.ts";
import type { NetworkNamespace } from "./namespaces.ts";
import { NETLINK_GENERIC } from "./netlink/constants.ts";
import { genericRequest, resolveFamily } from "./netlink/generic.ts";
import { checkedName } from "./netlink/links.ts";
import { type Attributes, flagAttribute, nest, textAttribute, u32Attribute } from "./netlink/message.ts";
import { NetlinkSocket } from "./netlink/socket.ts";

const MSG = { featuresGet: 11, featuresSet: 12, channelsGet: 17, channelsSet: 18 } as const;
/** Every request's first attribute. */
const HEADER = 1;
const HEADER_DEVICE_NAME = 2;
const FEATURES = { changeable: 2, wanted: 3, active: 4 } as const;
const BITSET = { bits: 3 } as const;
const BIT_ENTRY = 1;
const BIT = { name: 2, value: 3 } as const;
const CHANNELS = { rxMax: 2, txMax: 3, combinedMax: 5, rx: 6, tx: 7, combined: 9 } as const;

/** Features by the short names of ethtool(8), as the kernel's own. A device has some of each group. */
const groups = {
  /** `tx`: checksums are filled in by the device (on veth: never, unless the frame leaves the machine). */
  txChecksum: /^tx-checksum-/,
  rxChecksum: /^rx-checksum$/,
  /** `tso`. */
  tcpSegmentation: /^tx-tcp.*-segmentation$/,
  /** `gso`. */
  genericSegmentation: /^tx-generic-segmentation$/,
  /** `gro`. */
  genericReceive: /^rx-gro$/,
  /** `lro`. */
  largeReceive: /^rx-lro$/,
  hardwareReceive: /^rx-gro-hw$/,
  /** `txvlan`: VLAN tags travel beside the frame. */
  txVlan: /^tx-vlan-hw-insert$/,
  /** The same for service tags (802.1ad). */
  txServiceVlan: /^tx-vlan-stag-hw-insert$/,
  /** `rxvlan`. */
  rxVlan: /^rx-vlan-hw-parse$/,
  rxServiceVlan: /^rx-vlan-stag-hw-parse$/,
} as const;

/** A group of offload features. */
export type OffloadFeature = keyof typeof groups;

/** The state of a device's features under the kernel's names, which `ethtool -k` shows for most. */
export interface DeviceFeatures {
  readonly active: ReadonlySet<string>;
  readonly changeable: ReadonlySet<string>;
}

/** Queue counts. A combined queue counts as one of each. */
export interface DeviceQueues {
  readonly rx: number;
  readonly tx: number;
  readonly rxMaximum: number;
  readonly txMaximum: number;
}

/**
 * Speaks with the ethtool family of one network namespace (the given one, or the thread's). What it reads is read anew
 * each time. All of it throws E_NO_DEVICE where there is no device of that name.
 */
export class Ethtool implements Disposable {
  readonly #socket: NetlinkSocket;
  readonly #family: number;

  constructor(namespace?: NetworkNamespace) {
    using socket = new DisposableStack();
    this.#socket = socket.use(new NetlinkSocket(NETLINK_GENERIC, namespace));
    this.#family = resolveFamily(this.#socket, "ethtool");
    socket.move();
  }

  readFeatures(device: string): DeviceFeatures {
    const [answer] = this.#request(device, `reading the features of ${device}`, MSG.featuresGet, []);
    return {
      active: setBits(answer?.nested(FEATURES.active)),
      // Read where something is to be changed only: every apply asks for the features of all devices.
      get changeable() {
        return setBits(answer?.nested(FEATURES.changeable));
      },
    };
  }

  /**
   * Switches groups of features on or off. Those of a group that the device cannot change are left alone; throws
   * NotSupported if a group is not as wanted afterwards: on means at least one is active, off means none is.
   */
  setFeatures(device: string, wanted: Readonly<Partial<Record<OffloadFeature, boolean>>>): void {
    const entries = Object.entries(wanted) as [OffloadFeature, boolean][];
    const before = this.readFeatures(device);
    const changes = entries.flatMap(([feature, on]) =>
      membersOf(feature, before.changeable).map((name) => [name, on] as const),
    );
    this.setNamedFeatures(device, Object.fromEntries(changes));
    const after = this.readFeatures(device);
    for (const [feature, on] of entries) {
      if (hasFeature(after, feature) === on) continue;
      throw new NotSupported(
        `${feature} ${on ? "on" : "off"} on ${device}`,
        `${device} does not let ${feature} be switched ${on ? "on" : "off"}`,
        { remedy: `\`ethtool -k ${device}\` shows what can be changed ("fixed" cannot)` },
      );
    }
  }

  /** Switches features by the kernel's own names. What the device does not take stays as it is. */
  setNamedFeatures(device: string, wanted: Readonly<Record<string, boolean>>): void {
    const bits = Object.entries(wanted).map(([name, on]) => bit(name, on));
    if (bits.length === 0) return;
    const bitset = nest(FEATURES.wanted, nest(BITSET.bits, ...bits));
    this.#request(device, `setting features of ${device}`, MSG.featuresSet, [bitset]);
  }

  /** Sets the number of receive queues of a device that has them by themselves (veth, since Linux 5.17). */
  setReceiveQueues(device: string, count: number): void {
    this.#request(device, `setting the queues of ${device}`, MSG.channelsSet, [u32Attribute(CHANNELS.rx, count)]);
  }

  /** Reads the queue counts of a device; NotSupported for devices without a notion of them. */
  readQueues(device: string): DeviceQueues {
    const [answer] = this.#request(device, `reading the queues of ${device}`, MSG.channelsGet, []);
    const count = (own: number, combined: number) => (answer?.u32(own) ?? 0) + (answer?.u32(combined) ?? 0);
    return {
      rx: count(CHANNELS.rx, CHANNELS.combined),
      tx: count(CHANNELS.tx, CHANNELS.combined),
      rxMaximum: count(CHANNELS.rxMax, CHANNELS.combinedMax),
      txMaximum: count(CHANNELS.txMax, CHANNELS.combinedMax),
    };
  }

  #request(device: string, action: string, command: number, attributes: readonly Uint8Array[]): Attributes[] {
    const header = nest(HEADER, textAttribute(HEADER_DEVICE_NAME, checkedName(device)));
    try {
      return genericRequest(this.#socket, action, this.#family, command, [header, ...attributes]);
    } catch (error) {
      if (!(error instanceof IovisorError) || error.code !== "E_NO_DEVICE") throw error;
      throw new IovisorError("E_NO_DEVICE", `no network device "${device}" in this namespace`, error.remedy);
    }
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

/** Reads all features of a device of `namespace` (or of the thread's). Throws E_NO_DEVICE. */
export function readFeatures(device: string, namespace?: NetworkNamespace): DeviceFeatures {
  using ethtool = new Ethtool(namespace);
  return ethtool.readFeatures(device);
}

/** Switches groups of features of a device, as {@link Ethtool.setFeatures}. */
export function setFeatures(
  device: string,
  wanted: Readonly<Partial<Record<OffloadFeature, boolean>>>,
  namespace?: NetworkNamespace,
): void {
  using ethtool = new Ethtool(namespace);
  ethtool.setFeatures(device, wanted);
}

/** Reads the queue counts of a device, as {@link Ethtool.readQueues}. */
export function readQueues(device: string, namespace?: NetworkNamespace): DeviceQueues {
  using ethtool = new Ethtool(namespace);
  return ethtool.readQueues(device);
}

/** True if any feature of the group is active. */
export function hasFeature(features: DeviceFeatures, feature: OffloadFeature): boolean {
  return membersOf(feature, features.active).length > 0;
}

/** The features of a group that are active, by the kernel's names. */
export function activeOf(features: DeviceFeatures, feature: OffloadFeature): readonly string[] {
  return membersOf(feature, features.active);
}

function membersOf(feature: OffloadFeature, names: ReadonlySet<string>): string[] {
  return [...names].filter((name) => groups[feature].test(name));
}

function bit(name: string, on: boolean): Uint8Array {
  return nest(BIT_ENTRY, textAttribute(BIT.name, name), ...(on ? [flagAttribute(BIT.value)] : []));
}

/** Names of the bits that are set: all of a list without a mask; with one, those that carry the value flag. */
function setBits(bitset: Attributes | undefined): Set<string> {
  const names = new Set<string>();
  const withoutMask = bitset?.has(1) ?? false;
  for (const entry of bitset?.nested(BITSET.bits)?.entries() ?? []) {
    const name = entry.text(BIT.name);
    if (name !== undefined && (withoutMask || entry.has(BIT.value))) names.add(name);
  }
  return names;
}
