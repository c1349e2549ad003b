import { type ErrorCode, IovisorError } from "../../errors.ts";
import {
  activeOf,
  type DeviceFeatures,
  type OffloadFeature,
  readFeatures,
  readQueues,
  setFeatures,
  setNamedFeatures,
  setReceiveQueues,
} from "../../kernel/ethtool.ts";
import { NetworkNamespace } from "../../kernel/namespaces.ts";
import { NETLINK_ROUTE } from "../../kernel/netlink/constants.ts";
import { findLink, type Link } from "../../kernel/netlink/links.ts";
import { openNamespaceOfId } from "../../kernel/netlink/namespace-ids.ts";
import { NetlinkSocket } from "../../kernel/netlink/socket.ts";
import type { Model, ModelDevice } from "./model.ts";
import type { Prepared } from "./prepare.ts";

/**
 * What XDP needs of devices, and what was changed for it. A veth sends frames whose checksums are not filled in yet,
 * and VLAN tags beside the frame, which XDP at the other end does not see (drivers/net/veth.c): its offloads go. And it
 * takes frames that XDP redirects only while it polls, as it does with GRO on.
 */
export interface Remedy {
  /** The device of the graph. */
  readonly device: string;
  readonly ifindex: number;
  readonly netns?: string;
  /** Whether it is about the device, or about the other end of the veth. */
  readonly of: "device" | "peer";
  /** Features as they were before, by the kernel's names. */
  readonly features: Readonly<Record<string, boolean>>;
  /** Receive queues before. */
  readonly receiveQueues?: number;
}

interface Need {
  readonly device: ModelDevice;
  readonly ifindex: number;
  readonly features: Readonly<Partial<Record<OffloadFeature, boolean>>>;
  readonly of: Remedy["of"];
  /** Queues of the device, as many as its peer sends on. */
  readonly queues: boolean;
  readonly why: string;
}

export interface Preflight {
  /** What was changed, or is to be. */
  readonly remedies: readonly Remedy[];
  readonly warnings: readonly string[];
}

/** Where the features of a need are. */
interface Place {
  readonly name: string;
  readonly namespace: NetworkNamespace | undefined;
  readonly link: Link;
}

/** Devices at XDP, and those that XDP programs send to. */
function needsOf({ model, attachments }: Prepared): readonly Need[] {
  const at = new Set(
    attachments.filter(({ spec }) => spec.hook === "xdp").map(({ netns, ifindex }) => `${netns} ${ifindex}`),
  );
  const present = model.devices.flatMap((device) => (device.found ? [{ device, ifindex: device.found.ifindex }] : []));
  const atXdp = present.filter(({ device, ifindex }) => at.has(`${device.netns} ${ifindex}`));
  if (atXdp.length === 0) return [];
  const targets = targetsOf(model);
  const why = (text: string, { alias }: ModelDevice): string => `${text} (dev:${alias})`;
  return [
    ...atXdp.flatMap(({ device, ifindex }): Need[] => [
      {
        ...{ device, ifindex, of: "peer", queues: true, features: { txChecksum: false, txVlan: false } },
        why: why("XDP sees neither checksums nor VLAN tags that are left to the device", device),
      },
      {
        ...{ device, ifindex, of: "device", queues: false, features: { rxVlan: false } },
        why: why("XDP does not see VLAN tags that the device takes out of frames", device),
      },
    ]),
    ...present
      .filter(({ device }) => targets.has(device.alias))
      .map(({ device, ifindex }): Need => {
        const text = "without GRO (or a program at XDP) it takes no frames that XDP redirects";
        return {
          device,
          ifindex,
          of: "peer",
          queues: false,
          features: { genericReceive: true },
          why: why(text, device),
        };
      }),
  ];
}

function targetsOf({ links }: Model): ReadonlySet<string> {
  return new Set(links.flat().flatMap((end) => (end.kind === "device" ? [end.device] : [])));
}

/** What an apply of a revision would change on devices. Nothing is touched. */
export function lookAhead(prepared: Prepared): Preflight {
  return each(needsOf(prepared), (need, place) => changeOf(need, place));
}

/**
 * Makes devices fit for the hooks of a revision. `before` is what was changed for the one that is live: it is kept in
 * mind. Disposing of `undo` puts back what this call changed.
 *
 * @throws NotSupported for a device that cannot be changed as it must
 */
export function prepareDevices(prepared: Prepared, before: readonly Remedy[], undo: DisposableStack): Preflight {
  const needs = needsOf(prepared);
  const { remedies, warnings } = each(needs, (need, place) => {
    const remedy = changeOf(need, place);
    if (!remedy) return undefined;
    undo.defer(() => putBack([remedy]));
    setFeatures(place.name, missingOf(need, readFeatures(place.name, place.namespace)), place.namespace);
    if (remedy.receiveQueues !== undefined) raiseQueues(need, place.link);
    return remedy;
  });
  const wanted = new Set(needs.map((need) => keyOf({ ...need.device, ...need })));
  const kept = before.filter((one) => wanted.has(keyOf(one)));
  return { remedies: merged([...kept, ...remedies]), warnings };
}

/** Puts devices back as they were. Those that are gone are left alone. */
export function putBack(remedies: readonly Remedy[]): void {
  for (const remedy of remedies) {
    try {
      putOneBack(remedy);
    } catch (error) {
      // It went away between the look and the change.
      if (!(error instanceof IovisorError && gone.has(error.code))) throw error;
    }
  }
}

const gone: ReadonlySet<string> = new Set<ErrorCode>(["E_NO_DEVICE", "E_NO_NAMESPACE"]);

function putOneBack({ netns, ifindex, of, features, receiveQueues }: Remedy): void {
  using held = placeOf(netns, ifindex, of);
  if (held.place) setNamedFeatures(held.place.name, features, held.place.namespace);
  if (receiveQueues === undefined) return;
  using own = placeOf(netns, ifindex, "device");
  if (own.place) setReceiveQueues(own.place.name, receiveQueues, own.place.namespace);
}

/** The remedies of a revision that the next one does not need any more. */
export function outdated(before: readonly Remedy[], now: readonly Remedy[]): readonly Remedy[] {
  const kept = new Set(now.map(keyOf));
  return before.filter((one) => !kept.has(keyOf(one)));
}

function keyOf({
  netns,
  ifindex,
  of,
}: Pick<Remedy, "ifindex" | "of"> & { readonly netns?: string | undefined }): string {
  return `${netns ?? ""} ${ifindex} ${of}`;
}

/** What was the case first is what is put back. */
function merged(remedies: readonly Remedy[]): readonly Remedy[] {
  const byPlace = new Map<string, Remedy>();
  for (const remedy of remedies) {
    const known = byPlace.get(keyOf(remedy));
    const features = { ...remedy.features, ...known?.features };
    byPlace.set(keyOf(remedy), { ...remedy, ...known, features });
  }
  return [...byPlace.values()];
}

function each(needs: readonly Need[], act: (need: Need, place: Place) => Remedy | undefined): Preflight {
  const warnings: string[] = [];
  const remedies = needs.flatMap((need): Remedy[] => {
    using held = placeOf(need.device.netns, need.ifindex, need.of);
    if (held.unreachable) {
      const features = printFeatures(need.features);
      warnings.push(
        `the other end of ${need.device.name} is out of reach: make sure of ${features} there; ${need.why}`,
      );
    }
    const remedy = held.place && act(need, held.place);
    if (!remedy) return [];
    if (Object.keys(remedy.features).length > 0) {
      const end = need.of === "peer" ? `${held.place!.name}, the other end of ${need.device.name}` : need.device.name;
      warnings.push(`${printFeatures(need.features)} on ${end}, until it is detached: ${need.why}`);
    }
    if (remedy.receiveQueues !== undefined) {
      warnings.push(`${need.device.name} gets as many receive queues as its other end sends on: XDP needs them`);
    }
    return [remedy];
  });
  return { remedies: merged(remedies), warnings };
}

const shortNames: Partial<Record<OffloadFeature, string>> = {
  txChecksum: "tx",
  txVlan: "txvlan",
  rxVlan: "rxvlan",
  genericReceive: "gro",
};

/** As ethtool(8) writes it: "tx off txvlan off". */
function printFeatures(features: Need["features"]): string {
  return Object.entries(features)
    .map(([name, on]) => `${shortNames[name as OffloadFeature] ?? name} ${on ? "on" : "off"}`)
    .join(" ");
}

/** The features of a need that are not as they must be. */
function missingOf({ features }: Need, now: DeviceFeatures): Need["features"] {
  const entries = Object.entries(features) as [OffloadFeature, boolean][];
  return Object.fromEntries(entries.filter(([feature, on]) => activeOf(now, feature).length > 0 !== on));
}

/** What must be changed for a need; undefined when all is well. */
function changeOf(need: Need, place: Place): Remedy | undefined {
  // A veth leaves tags where they are.
  if (need.of === "device" && place.link.kind !== undefined) return undefined;
  const polls = need.features.genericReceive === true && place.link.xdp.nativeProgramId !== undefined;
  const now = readFeatures(place.name, place.namespace);
  const missing = polls ? {} : missingOf(need, now);
  const members = (Object.keys(missing) as OffloadFeature[]).flatMap((feature) =>
    changeable(now, feature, missing[feature]!),
  );
  const queues = need.queues ? tooFewQueues(need, place) : undefined;
  if (members.length === 0 && queues === undefined) return undefined;
  const { name, netns } = need.device;
  return {
    ...{ device: name, ifindex: need.ifindex, of: need.of, features: Object.fromEntries(members) },
    ...(netns === undefined ? {} : { netns }),
    ...(queues === undefined ? {} : { receiveQueues: queues }),
  };
}

/** Names of a group's features with their values before. */
function changeable(
  now: DeviceFeatures,
  feature: OffloadFeature,
  wanted: boolean,
): readonly (readonly [string, boolean])[] {
  const names = wanted ? activeOf({ ...now, active: now.changeable }, feature) : activeOf(now, feature);
  return names.map((name) => [name, !wanted] as const);
}

/** The receive queues of a device that has fewer than its peer sends on, and can have more. */
function tooFewQueues(need: Need, peer: Place): number | undefined {
  using own = placeOf(need.device.netns, need.ifindex, "device");
  if (!own.place) return undefined;
  const mine = readQueues(own.place.name, own.place.namespace);
  const wanted = readQueues(peer.name, peer.namespace).tx;
  // Where it cannot have as many the kernel refuses the program, and says why.
  return mine.rx < wanted && wanted <= mine.rxMaximum ? mine.rx : undefined;
}

function raiseQueues(need: Need, peer: Link): void {
  using own = placeOf(need.device.netns, need.ifindex, "device");
  using other = placeOf(need.device.netns, need.ifindex, "peer");
  if (!own.place || !other.place) return;
  setReceiveQueues(own.place.name, readQueues(peer.name, other.place.namespace).tx, own.place.namespace);
}

interface HeldPlace extends Disposable {
  readonly place: Place | undefined;
  /** There is a peer, in a namespace without a name and a process. */
  readonly unreachable: boolean;
}

/** A device, or the other end of it where it is a veth. Its namespace stays open until the place is disposed of. */
function placeOf(netns: string | undefined, ifindex: number, of: Remedy["of"]): HeldPlace {
  using held = new DisposableStack();
  const nothing = (unreachable: boolean): HeldPlace => ({
    place: undefined,
    unreachable,
    [Symbol.dispose]: () => undefined,
  });
  if (netns !== undefined && !NetworkNamespace.list().includes(netns)) return nothing(false);
  const own = netns === undefined ? undefined : held.use(NetworkNamespace.open(netns));
  using socket = new NetlinkSocket(NETLINK_ROUTE, own);
  const link = findLink(socket, ifindex);
  if (!link) return nothing(false);
  const found = (place: Place): HeldPlace => {
    const kept = held.move();
    return { place, unreachable: false, [Symbol.dispose]: () => kept.dispose() };
  };
  if (of === "device")
    return link.kind === undefined || link.kind === "veth"
      ? found({ name: link.name, namespace: own, link })
      : nothing(false);
  if (link.kind !== "veth" || link.peer === undefined) return nothing(false);
  const namespace = link.peerNamespaceId === undefined ? own : openNamespaceOfId(socket, link.peerNamespaceId);
  if (link.peerNamespaceId !== undefined) {
    if (!namespace) return nothing(true);
    held.use(namespace);
  }
  using netlink = new NetlinkSocket(NETLINK_ROUTE, namespace);
  const peer = findLink(netlink, link.peer);
  return peer ? found({ name: peer.name, namespace, link: peer }) : nothing(false);
}
