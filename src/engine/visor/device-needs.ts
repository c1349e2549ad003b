import type { OffloadFeature } from "../../kernel/ethtool.ts";
import type { AttachmentRecord } from "./attachments.ts";
import type { End } from "./device-places.ts";
import type { Model, ModelDevice } from "./model.ts";
import type { Prepared } from "./prepare.ts";

/** What a device, or the other end of it, must be like for the hooks of a revision. */
export interface Need {
  readonly device: ModelDevice;
  readonly ifindex: number;
  readonly features: Readonly<Partial<Record<OffloadFeature, boolean>>>;
  readonly of: End;
  /** The device is at XDP: it needs as many queues as its peer sends on, and frames that fit a page. */
  readonly queues: boolean;
  readonly why: string;
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
export function needsOf(prepared: Pick<Prepared, "model" | "attachments">): readonly Need[] {
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

/**
 * Tells needs apart: those that the live revision has as well, at devices whose hooks are in their places, and others.
 */
export function splitNeeds(
  needs: readonly Need[],
  live: readonly Need[],
  missing: readonly AttachmentRecord[],
): { readonly fresh: readonly Need[]; readonly known: readonly Need[] } {
  const absent = new Set(missing.map(({ netns, ifindex }) => `${netns} ${ifindex}`));
  const known = new Set(live.map(keyOf));
  const isKnown = (need: Need): boolean =>
    known.has(keyOf(need)) && !absent.has(`${need.device.netns} ${need.ifindex}`);
  return { fresh: needs.filter((need) => !isKnown(need)), known: needs.filter(isKnown) };
}

function keyOf({ device, ifindex, of, queues, features }: Need): string {
  return `${device.netns} ${ifindex} ${of} ${queues} ${Object.keys(features).join(" ")}`;
}
