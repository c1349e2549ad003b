import { type ErrorCode, IovisorError } from "../../errors.ts";
import { activeOf, type DeviceFeatures, type OffloadFeature } from "../../kernel/ethtool.ts";
import { DevicePlaces, type End, type Place } from "./device-places.ts";
import type { Model, ModelDevice } from "./model.ts";
import { sizeWarnings } from "./packet-sizes.ts";
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
  readonly of: End;
  /** Features as they were before, by the kernel's names. */
  readonly features: Readonly<Record<string, boolean>>;
  /** Receive queues before. */
  readonly receiveQueues?: number;
}

interface Need {
  readonly device: ModelDevice;
  readonly ifindex: number;
  readonly features: Readonly<Partial<Record<OffloadFeature, boolean>>>;
  readonly of: End;
  /** Queues of the device, as many as its peer sends on. */
  readonly queues: boolean;
  readonly why: string;
}

export interface Preflight {
  /** What was changed, or is to be. */
  readonly remedies: readonly Remedy[];
  readonly warnings: readonly string[];
}

/** What the other end of a veth must not leave to the device. */
const unseen = { txChecksum: false, txVlan: false, txServiceVlan: false };

interface PresentDevice {
  readonly device: ModelDevice;
  readonly ifindex: number;
}

function presentDevices({ devices }: Model): readonly PresentDevice[] {
  return devices.flatMap((device) => (device.found ? [{ device, ifindex: device.found.ifindex }] : []));
}

function devicesAtXdp({ model, attachments }: Pick<Prepared, "model" | "attachments">): readonly PresentDevice[] {
  const at = new Set(
    attachments.filter(({ spec }) => spec.hook === "xdp").map(({ netns, ifindex }) => `${netns} ${ifindex}`),
  );
  return presentDevices(model).filter(({ device, ifindex }) => at.has(`${device.netns} ${ifindex}`));
}

/** Devices at XDP, and those that XDP programs send to. */
function needsOf(prepared: Prepared): readonly Need[] {
  const { model } = prepared;
  const atXdp = devicesAtXdp(prepared);
  if (atXdp.length === 0) return [];
  const targets = targetsOf(model);
  const why = (text: string, { alias }: ModelDevice): string => `${text} (dev:${alias})`;
  return [
    ...atXdp.flatMap(({ device, ifindex }): Need[] => [
      {
        ...{ device, ifindex, of: "peer", queues: true, features: unseen },
        why: why("XDP sees neither checksums nor VLAN tags that are left to the device", device),
      },
      {
        ...{ device, ifindex, of: "device", queues: false, features: { rxVlan: false, rxServiceVlan: false } },
        why: why("XDP does not see VLAN tags that the device takes out of frames", device),
      },
    ]),
    ...presentDevices(model)
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
  using places = new DevicePlaces();
  const found = each(needsOf(prepared), places, (need, place) => changeOf(need, place, places));
  return { ...found, warnings: [...found.warnings, ...sizeTroubles(prepared, places)] };
}

/**
 * Makes devices fit for the hooks of a revision. `before` is what was changed for the one that is live: it is kept in
 * mind. Disposing of `undo` puts back what this call changed.
 *
 * @throws NotSupported for a device that cannot be changed as it must
 */
export function prepareDevices(prepared: Prepared, before: readonly Remedy[], undo: DisposableStack): Preflight {
  const needs = needsOf(prepared);
  using places = new DevicePlaces();
  const { remedies, warnings } = each(needs, places, (need, place) => {
    const remedy = changeOf(need, place, places);
    if (!remedy) return undefined;
    undo.defer(() => putBack([remedy]));
    place.setFeatures(missingOf(need, place));
    if (remedy.receiveQueues !== undefined) ownPlace(need, places)?.setReceiveQueues(place.queues.tx);
    return remedy;
  });
  const wanted = new Set(needs.map((need) => keyOf({ ...need.device, ...need })));
  const kept = before.filter((one) => wanted.has(keyOf(one)));
  return { remedies: merged([...kept, ...remedies]), warnings: [...warnings, ...sizeTroubles(prepared, places)] };
}

/** What is too large for a device, or for XDP. */
function sizeTroubles(prepared: Prepared, places: DevicePlaces): readonly string[] {
  const { model, numbered } = prepared;
  const atXdp = devicesAtXdp(prepared).flatMap(({ device, ifindex }): string[] => {
    const ends: readonly End[] = ["peer", "device"];
    const [first] = ends.flatMap((of) => {
      const found = places.find(device.netns, ifindex, of);
      return found.kind === "place" ? [{ of, link: found.place.link }] : [];
    });
    // A veth has a limit for its other end; of a physical device that is up to its driver, which has one page as well.
    if (!first || first.link.mtu <= mostXdpMtu || (first.of === "device" && first.link.kind !== undefined)) return [];
    const { name, alias } = device;
    const what = first.of === "peer" ? `${first.link.name}, the other end of ${name},` : name;
    return [
      `${what} has an MTU of ${first.link.mtu}, and frames at XDP fit a page: ${name} takes no program with more ` +
        `than ${mostXdpMtu}; lower it (\`ip link set dev ${first.link.name} mtu ${mostXdpMtu}\`), or give ` +
        `dev:${alias} the hook "tcx"`,
    ];
  });
  return [...atXdp, ...sizeWarnings(model, numbered)];
}

/** A page without the room ahead of a frame, its Ethernet header and struct skb_shared_info (veth_xdp_set). */
const mostXdpMtu = 4096 - 256 - 14 - 320;

/** Puts devices back as they were. Those that are gone are left alone. */
export function putBack(remedies: readonly Remedy[]): void {
  using places = new DevicePlaces();
  for (const remedy of remedies) {
    try {
      putOneBack(remedy, places);
    } catch (error) {
      // It went away between the look and the change.
      if (!(error instanceof IovisorError && gone.has(error.code))) throw error;
    }
  }
}

const gone: ReadonlySet<string> = new Set<ErrorCode>(["E_NO_DEVICE", "E_NO_NAMESPACE"]);

function putOneBack({ netns, ifindex, of, features, receiveQueues }: Remedy, places: DevicePlaces): void {
  const found = places.find(netns, ifindex, of);
  if (found.kind === "place") found.place.setNamedFeatures(features);
  if (receiveQueues === undefined) return;
  const own = places.find(netns, ifindex, "device");
  if (own.kind === "place") own.place.setReceiveQueues(receiveQueues);
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

function each(
  needs: readonly Need[],
  places: DevicePlaces,
  act: (need: Need, place: Place) => Remedy | undefined,
): Preflight {
  const warnings: string[] = [];
  const remedies = needs.flatMap((need): Remedy[] => {
    const found = places.find(need.device.netns, need.ifindex, need.of);
    if (found.kind === "unreachable") {
      const features = printFeatures(need.features);
      warnings.push(
        `the other end of ${need.device.name} is out of reach: make sure of ${features} there; ${need.why}`,
      );
    }
    if (found.kind !== "place") return [];
    const remedy = act(need, found.place);
    if (!remedy) return [];
    if (Object.keys(remedy.features).length > 0) {
      const end = need.of === "peer" ? `${found.place.name}, the other end of ${need.device.name}` : need.device.name;
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
  txServiceVlan: "tx-vlan-stag-hw-insert",
  rxVlan: "rxvlan",
  rxServiceVlan: "rx-vlan-stag-hw-parse",
  genericReceive: "gro",
};

/** As ethtool(8) writes it: "tx off txvlan off". */
function printFeatures(features: Need["features"]): string {
  return Object.entries(features)
    .map(([name, on]) => `${shortNames[name as OffloadFeature] ?? name} ${on ? "on" : "off"}`)
    .join(" ");
}

/** The features of a need that are not as they must be. */
function missingOf({ features }: Need, place: Place): Need["features"] {
  const entries = Object.entries(features) as [OffloadFeature, boolean][];
  return Object.fromEntries(entries.filter(([feature, on]) => activeOf(place.features, feature).length > 0 !== on));
}

/** What must be changed for a need; undefined when all is well. */
function changeOf(need: Need, place: Place, places: DevicePlaces): Remedy | undefined {
  // A veth leaves tags where they are.
  if (need.of === "device" && place.link.kind !== undefined) return undefined;
  const polls = need.features.genericReceive === true && place.link.xdp.nativeProgramId !== undefined;
  const missing = polls ? {} : missingOf(need, place);
  const members = (Object.keys(missing) as OffloadFeature[]).flatMap((feature) =>
    changeable(place.features, feature, missing[feature]!),
  );
  const queues = need.queues ? tooFewQueues(need, place, places) : undefined;
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
function tooFewQueues(need: Need, peer: Place, places: DevicePlaces): number | undefined {
  const mine = ownPlace(need, places)?.queues;
  if (!mine) return undefined;
  const wanted = peer.queues.tx;
  // Where it cannot have as many the kernel refuses the program, and says why.
  return mine.rx < wanted && wanted <= mine.rxMaximum ? mine.rx : undefined;
}

function ownPlace({ device, ifindex }: Need, places: DevicePlaces): Place | undefined {
  const own = places.find(device.netns, ifindex, "device");
  return own.kind === "place" ? own.place : undefined;
}
