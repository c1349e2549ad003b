/**
 * The helpers that the back end calls: number (include/uapi/linux/bpf.h), how many arguments it reads, and what it does
 * to memory as passes must see it.
 */
export interface HelperRow {
  readonly id: number;
  readonly args: number;
  /** Kills every packet address made before it, on some kernels (bpf_helper_changes_pkt_data, net/core/filter.c). */
  readonly changesPacket?: true;
  /** Reads memory that an argument points to (keys, values). */
  readonly readsMemory?: true;
  /** Writes memory that an argument points to (stack buffers, packet). */
  readonly writesMemory?: true;
  /** Has no effect that anyone can see but its result: may be removed when unused. */
  readonly pure?: true;
  readonly gplOnly?: true;
  readonly minimumKernel?: string;
}

export const helpers = {
  mapLookup: { id: 1, args: 2, readsMemory: true, pure: true },
  mapUpdate: { id: 2, args: 4, readsMemory: true, writesMemory: true },
  mapDelete: { id: 3, args: 2, readsMemory: true, writesMemory: true },
  ktimeGetNs: { id: 5, args: 0, pure: true },
  getPrandomU32: { id: 7, args: 0 },
  getSmpProcessorId: { id: 8, args: 0, pure: true },
  skbStoreBytes: { id: 9, args: 5, changesPacket: true, readsMemory: true, writesMemory: true },
  l3CsumReplace: { id: 10, args: 5, changesPacket: true, writesMemory: true },
  l4CsumReplace: { id: 11, args: 5, changesPacket: true, writesMemory: true },
  tailCall: { id: 12, args: 3, changesPacket: true, readsMemory: true, writesMemory: true },
  cloneRedirect: { id: 13, args: 3, changesPacket: true, readsMemory: true, writesMemory: true },
  getCurrentPidTgid: { id: 14, args: 0, pure: true },
  getCurrentUidGid: { id: 15, args: 0, pure: true },
  getCurrentComm: { id: 16, args: 2, writesMemory: true },
  skbVlanPush: { id: 18, args: 3, changesPacket: true, writesMemory: true },
  skbVlanPop: { id: 19, args: 1, changesPacket: true, writesMemory: true },
  redirect: { id: 23, args: 2 },
  skbLoadBytes: { id: 26, args: 4, readsMemory: true, writesMemory: true },
  csumDiff: { id: 28, args: 5, readsMemory: true, pure: true },
  skbChangeType: { id: 32, args: 2 },
  skbChangeTail: { id: 38, args: 3, changesPacket: true, writesMemory: true },
  skbPullData: { id: 39, args: 2, changesPacket: true, writesMemory: true },
  skbChangeHead: { id: 43, args: 3, changesPacket: true, writesMemory: true },
  xdpAdjustHead: { id: 44, args: 2, changesPacket: true, writesMemory: true },
  skbAdjustRoom: { id: 50, args: 4, changesPacket: true, writesMemory: true },
  redirectMap: { id: 51, args: 3 },
  xdpAdjustMeta: { id: 54, args: 2, changesPacket: true, writesMemory: true },
  xdpAdjustTail: { id: 65, args: 2, changesPacket: true, writesMemory: true },
  fibLookup: { id: 69, args: 4, readsMemory: true, writesMemory: true, gplOnly: true, minimumKernel: "4.18" },
  getCurrentCgroupId: { id: 80, args: 0, pure: true },
  mapPush: { id: 87, args: 3, readsMemory: true, writesMemory: true },
  mapPop: { id: 88, args: 2, writesMemory: true },
  mapPeek: { id: 89, args: 2, writesMemory: true },
  spinLock: { id: 93, args: 1, readsMemory: true, writesMemory: true },
  spinUnlock: { id: 94, args: 1, readsMemory: true, writesMemory: true },
  probeReadUser: { id: 112, args: 3, writesMemory: true },
  probeReadKernel: { id: 113, args: 3, writesMemory: true, gplOnly: true },
  probeReadUserStr: { id: 114, args: 3, writesMemory: true, gplOnly: true },
  probeReadKernelStr: { id: 115, args: 3, writesMemory: true, gplOnly: true },
  jiffies64: { id: 118, args: 0, pure: true },
  ringbufOutput: { id: 130, args: 4, readsMemory: true, writesMemory: true },
  ringbufReserve: { id: 131, args: 3 },
  ringbufSubmit: { id: 132, args: 2, readsMemory: true, writesMemory: true },
  ringbufDiscard: { id: 133, args: 2, readsMemory: true, writesMemory: true },
  ktimeGetCoarseNs: { id: 160, args: 0, pure: true },
  checkMtu: { id: 163, args: 5, readsMemory: true, writesMemory: true },
  forEachMapElem: { id: 164, args: 4, readsMemory: true, writesMemory: true },
  timerInit: { id: 169, args: 3, writesMemory: true },
  timerSetCallback: { id: 170, args: 2, writesMemory: true },
  timerStart: { id: 171, args: 3, writesMemory: true },
  timerCancel: { id: 172, args: 1, writesMemory: true },
  xdpLoadBytes: { id: 189, args: 4, readsMemory: true, writesMemory: true, minimumKernel: "5.18" },
  loop: { id: 181, args: 4, readsMemory: true, writesMemory: true },
} as const satisfies Readonly<Record<string, HelperRow>>;

export type HelperName = keyof typeof helpers;

const byId: ReadonlyMap<number, HelperRow> = new Map(Object.values(helpers).map((row) => [row.id, row]));

/** @throws for a helper that has no row: the back end only calls those of the table. */
export function helperRow(id: number): HelperRow {
  const row = byId.get(id);
  if (!row) throw new Error(`helper ${id} has no row in the table of helpers`);
  return row;
}

/** How many arguments the helper takes; undefined when it has no row. */
export function helperArguments(id: number): number | undefined {
  return byId.get(id)?.args;
}
