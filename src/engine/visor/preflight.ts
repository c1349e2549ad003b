import { isDeepStrictEqual } from "node:util";
import { type ErrorCode, IovisorError } from "../../errors.ts";
import { activeOf, type DeviceFeatures, type OffloadFeature } from "../../kernel/ethtool.ts";
import type { AttachmentRecord } from "./attachments.ts";
import { type Need, needsOf, splitNeeds } from "./device-needs.ts";
import { DevicePlaces, type End, type Place } from "./device-places.ts";
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

export interface Preflight {
  /** What was changed, or is to be. */
  readonly remedies: readonly Remedy[];
  readonly warnings: readonly string[];
}

/** What an apply of a revision would change on devices. Nothing is touched. */
export function lookAhead(prepared: Prepared): Preflight {
  const needs = needsOf(prepared);
  using places = new DevicePlaces();
  const found = look(needs, places);
  const sizes = [...frameTroubles(needs, places), ...sizeWarnings(prepared.model, prepared.numbered)];
  return { remedies: merged(remediesOf(found)), warnings: [...found.flatMap(tell), ...sizes] };
}

/** What is in force on devices when a revision is prepared. */
export interface InForce {
  /** What the live revision needs, and was made sure of for it. */
  readonly needs: readonly Need[];
  readonly remedies: readonly Remedy[];
  /** Of the hooks of the next revision those that are not in their places. */
  readonly missing: readonly AttachmentRecord[];
}

/** Devices that are fit for a revision, as far as it is the first one that needs them to be. */
export interface PreparedDevices extends Preflight {
  readonly needs: readonly Need[];
  /** What the live revision needs as well: looked at by `mendDevices`, when packets meet the next one. */
  readonly known: readonly Need[];
  /** Those of the warnings that hold for as long as nobody does something about it. */
  readonly notes: readonly string[];
}

/**
 * Makes devices fit for the hooks of a revision. What was changed for the one that is live is kept in mind. Disposing
 * of `undo` puts back what this call changed.
 *
 * @throws NotSupported for a device that cannot be changed as it must
 */
export function prepareDevices(prepared: Prepared, live: InForce, undo: DisposableStack): PreparedDevices {
  const needs = needsOf(prepared);
  const { fresh, known } = splitNeeds(needs, live.needs, live.missing);
  using places = new DevicePlaces();
  const found = look(fresh, places);
  for (const finding of found) {
    if (finding.kind !== "change") continue;
    undo.defer(() => putBack([finding.remedy]));
    change(finding, places);
  }
  const wanted = new Set(needs.map((need) => keyOf({ ...need.device, ...need })));
  const kept = live.remedies.filter((one) => wanted.has(keyOf(one)));
  const notes = notesOf(found, fresh, places);
  const changes = found.filter(({ kind }) => kind === "change").flatMap(tell);
  return {
    ...{ needs, known, notes },
    remedies: merged([...kept, ...remediesOf(found)]),
    warnings: [...changes, ...notes, ...sizeWarnings(prepared.model, prepared.numbered)],
  };
}

/**
 * Puts right what others changed on devices that were made fit before. A device that cannot be changed any more is told
 * of, like the others.
 *
 * @param record gets all remedies, where they are others than before, and makes them durable: only then devices are
 * touched, so that whoever takes the graph off the machine knows of it.
 */
export async function mendDevices(
  needs: readonly Need[],
  before: readonly Remedy[],
  record: (remedies: readonly Remedy[]) => Promise<void>,
): Promise<{ readonly changes: readonly string[]; readonly notes: readonly string[] }> {
  if (needs.length === 0) return { changes: [], notes: [] };
  using places = new DevicePlaces();
  const found = look(needs, places);
  const remedies = merged([...before, ...remediesOf(found)]);
  if (!isDeepStrictEqual(remedies, before)) await record(remedies);
  const changes = found.flatMap((finding) => {
    if (finding.kind !== "change") return [];
    try {
      change(finding, places);
      return tell(finding);
    } catch (error) {
      if (!(error instanceof IovisorError)) throw error;
      return gone.has(error.code) ? [] : [`${finding.need.device.name} is not as it must be: ${error.message}`];
    }
  });
  return { changes, notes: notesOf(found, needs, places) };
}

/** What stays as it is until somebody does something about it. */
function notesOf(found: readonly Finding[], needs: readonly Need[], places: DevicePlaces): readonly string[] {
  const unreachable = found.filter(({ kind }) => kind === "unreachable").flatMap(tell);
  return [...unreachable, ...frameTroubles(needs, places)];
}

/** Devices whose frames are too large for XDP. */
function frameTroubles(needs: readonly Need[], places: DevicePlaces): readonly string[] {
  return needs
    .filter(({ queues }) => queues)
    .flatMap(({ device, ifindex }): string[] => {
      const ends: readonly End[] = ["peer", "device"];
      const [first] = ends.flatMap((of) => {
        const found = places.find(device.netns, ifindex, of);
        return found.kind === "place" ? [{ of, link: found.place.link }] : [];
      });
      // A veth has a limit for its other end; of a physical device that is up to its driver, which has a page as well.
      if (!first || first.link.mtu <= mostXdpMtu || (first.of === "device" && first.link.kind !== undefined)) return [];
      const { name, alias } = device;
      const what = first.of === "peer" ? `${first.link.name}, the other end of ${name},` : name;
      return [
        `${what} has an MTU of ${first.link.mtu}, and frames at XDP fit a page: ${name} takes no program with more ` +
          `than ${mostXdpMtu}; lower it (\`ip link set dev ${first.link.name} mtu ${mostXdpMtu}\`), or give ` +
          `dev:${alias} the hook "tcx"`,
      ];
    });
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

type Finding =
  | { readonly kind: "change"; readonly need: Need; readonly place: Place; readonly remedy: Remedy }
  | { readonly kind: "unreachable"; readonly need: Need };

type Change = Extract<Finding, { readonly kind: "change" }>;

/** What is not as it must be. */
function look(needs: readonly Need[], places: DevicePlaces): readonly Finding[] {
  return needs.flatMap((need): Finding[] => {
    const found = places.find(need.device.netns, need.ifindex, need.of);
    if (found.kind === "unreachable") return [{ kind: "unreachable", need }];
    const remedy = found.kind === "place" ? remedyFor(need, found.place, places) : undefined;
    return found.kind === "place" && remedy ? [{ kind: "change", need, place: found.place, remedy }] : [];
  });
}

function change({ need, place, remedy }: Change, places: DevicePlaces): void {
  place.setFeatures(missingOf(need, place));
  if (remedy.receiveQueues !== undefined) ownPlace(need, places)?.setReceiveQueues(place.queues.tx);
}

function remediesOf(found: readonly Finding[]): readonly Remedy[] {
  return found.flatMap((finding) => (finding.kind === "change" ? finding.remedy : []));
}

function tell(finding: Finding): readonly string[] {
  const { need } = finding;
  const features = printFeatures(need.features);
  const { name } = need.device;
  if (finding.kind === "unreachable") {
    return [`the other end of ${name} is out of reach: make sure of ${features} there; ${need.why}`];
  }
  const { place, remedy } = finding;
  const warnings: string[] = [];
  if (Object.keys(remedy.features).length > 0) {
    const end = need.of === "peer" ? `${place.name}, the other end of ${name}` : name;
    warnings.push(`${features} on ${end}, until it is detached: ${need.why}`);
  }
  if (remedy.receiveQueues !== undefined) {
    warnings.push(`${name} gets as many receive queues as its other end sends on: XDP needs them`);
  }
  return warnings;
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
function remedyFor(need: Need, place: Place, places: DevicePlaces): Remedy | undefined {
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
