import * as build from "../../compiler/hir/build.ts";
import type { Layout } from "../../compiler/hir/layout.ts";
import type { MapDeclaration } from "../../compiler/hir/tree.ts";

/**
 * The maps that all programs of a data path share. Each exists once for a visor; programs refer to them by these names.
 */

const u8 = build.integer(8);
const u16 = build.integer(16);
const u32 = build.integer(32);
const u64 = build.integer(64);

/** Metadata values that travel over a tail call. */
export const metadataSlots = 8;

/** What an entry, or a pipeline that ends at a link, leaves for the pipeline behind it. Per processor. */
export const Scratch = build.struct("Scratch", {
  port: u32,
  /** The generation's parity that the packet met at its entry: it keeps it to the end. */
  parity: u32,
  /** 1 when the host sent the packet: it was on its way out of a device. */
  fromHost: u32,
  unused: u32,
  metadata: { kind: "array", element: u64, length: metadataSlots } as Layout,
});

/** Packets and bytes of a port, in and out of its instance. */
export const PortCounters = build.struct("PortCounters", {
  inPackets: u64,
  inBytes: u64,
  outPackets: u64,
  outBytes: u64,
});

export const Count = build.struct("Count", { packets: u64, bytes: u64 });

/** In front of a packet that goes to the host side. */
export const Punt = build.struct("Punt", {
  instance: u32,
  reason: u32,
  port: u32,
  /** The tag that stands beside the frame: see `readTagBeside`. */
  tag: u32,
});

/**
 * Where packets of an entry go: a pipeline's place (0: to the kernel), and the port of its first function, by its
 * number there and by its identity for the counters.
 */
export const EntryTarget = build.struct("EntryTarget", { slot: u32, port: u32, identity: u32, unused: u32 });

/** Members of a group at most. */
export const mostMembers = 64;

/** Ports that a note beside a frame has room for. */
export const notedPorts = 64;

/** A port that a flooded packet goes to. */
export const FloodMember = build.struct("FloodMember", {
  /** The port's number in its instance. */
  port: u32,
  /** The device, or the end of the hidden pair that leads into the graph again. */
  ifindex: u32,
  /** Whether it gets the VLAN tag that the packet is flooded with. */
  tagged: u8,
  /** Whether it goes to the stack, as received on the device. */
  toHost: u8,
  /** Tag that says where a packet goes on in the graph; 0 for devices. */
  recirculation: u16,
});

export const FloodGroup = build.struct("FloodGroup", {
  count: u32,
  /** Whether any member is tagged. */
  tagged: u32,
  /** Which ones are: a bit for each port by its number. */
  taggedPorts: u64,
  members: { kind: "array", element: FloodMember, length: mostMembers } as Layout,
});

/** Bytes of a packet that the host side gets: a whole frame of the usual size with its tags. */
export const puntBytes = 2032;

export interface TableSizes {
  readonly groups: number;
  readonly entries: number;
  readonly ports: number;
  readonly reasons: number;
  readonly pipelines: number;
}

export const tableNames = {
  scratch: "iov_scratch",
  generation: "iov_generation",
  entries: "iov_entries",
  slots: "iov_slots",
  devices: "iov_devices",
  ports: "iov_ports",
  drops: "iov_drops",
  floods: "iov_floods",
  groups: "iov_groups",
  groupDevices: "iov_group",
  punts: "iov_punts",
} as const;

export type TableName = keyof typeof tableNames;

/** A device and the program that runs on what leaves there (struct bpf_devmap_val). */
export const DeviceWithProgram = build.struct("DeviceWithProgram", { ifindex: u32, program: u32 });

/** The shared maps as declarations, in this order. @param first the place of the first one in its module. */
export function tableDeclarations(sizes: TableSizes, first = 0): readonly MapDeclaration[] {
  const groupDevices = first + Object.keys(tableNames).indexOf("groupDevices");
  return [
    build.map("perCpuArray", { name: tableNames.scratch, key: u32, value: Scratch, maxEntries: 1 }),
    build.map("array", { name: tableNames.generation, key: u32, value: u32, maxEntries: 1 }),
    build.map("array", { name: tableNames.entries, key: u32, value: EntryTarget, maxEntries: 2 * sizes.entries }),
    build.map("progArray", { name: tableNames.slots, key: u32, value: u32, maxEntries: 2 * sizes.pipelines }),
    build.map("devMapHash", {
      name: tableNames.devices,
      key: u32,
      value: DeviceWithProgram,
      maxEntries: 2 * sizes.ports,
    }),
    build.map("perCpuArray", { name: tableNames.ports, key: u32, value: PortCounters, maxEntries: sizes.ports }),
    build.map("perCpuArray", { name: tableNames.drops, key: u32, value: Count, maxEntries: sizes.reasons }),
    build.map("hash", { name: tableNames.floods, key: u32, value: FloodGroup, maxEntries: 2 * sizes.groups, flags: 1 }),
    build.map("hashOfMaps", {
      name: tableNames.groups,
      key: u32,
      maxEntries: 2 * sizes.groups,
      flags: 1,
      inner: groupDevices,
    }),
    build.map("devMap", { name: tableNames.groupDevices, key: u32, value: DeviceWithProgram, maxEntries: mostMembers }),
    build.map("ringBuffer", { name: tableNames.punts, value: Punt, maxEntries: 1 << 20, packetBytes: puntBytes }),
  ];
}
