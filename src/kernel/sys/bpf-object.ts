/** The commands of bpf(2) that serve all kinds of objects. All return the result or the negative error number. */
import { Attributes } from "./attributes.ts";
import { command } from "./constants.ts";

/** Pins an object at a path on a bpffs. */
export function objectPin(fd: number, path: string): number {
  return new Attributes().text(0, path).u32(8, fd).call(command.objectPin);
}

/** Opens a pinned object; returns its descriptor. `flags`: 1 << 3 read-only, 1 << 4 write-only (maps). */
export function objectGet(path: string, flags = 0): number {
  return new Attributes().text(0, path).u32(12, flags).call(command.objectGet);
}

/** The kinds of objects that have machine-wide ids. */
export type IdentifiedObject = "program" | "map" | "btf" | "link";

const nextCommands = {
  program: command.nextProgramId,
  map: command.nextMapId,
  btf: command.nextBtfId,
  link: command.nextLinkId,
} as const;

const openCommands = {
  program: command.programById,
  map: command.mapById,
  btf: command.btfById,
  link: command.linkById,
} as const;

/** The smallest id above `after`, or -ENOENT. */
export function nextId(kind: IdentifiedObject, after: number): number {
  const attributes = new Attributes().u32(0, after);
  const result = attributes.call(nextCommands[kind]);
  return result < 0 ? result : attributes.getU32(4);
}

/** Opens an object by its id; returns the descriptor. */
export function openById(kind: IdentifiedObject, id: number): number {
  return new Attributes().u32(0, id).call(openCommands[kind]);
}

/** Fills `info` (a `struct bpf_*_info`); the kernel writes as much as both sides know. */
export function objectInfo(fd: number, info: Uint8Array): number {
  return new Attributes().u32(0, fd).u32(4, info.length).pointer(8, info).call(command.objectInfo);
}

/** Arguments of BPF_BTF_LOAD. */
export interface BtfLoadOptions {
  readonly data: Uint8Array;
  readonly log?: Uint8Array | undefined;
  readonly logLevel?: number;
}

/** Loads BTF; returns its descriptor. */
export function btfLoad(options: BtfLoadOptions): number {
  return new Attributes()
    .pointer(0, options.data)
    .pointer(8, options.log)
    .u32(16, options.data.length)
    .u32(20, options.log?.length ?? 0)
    .u32(24, options.logLevel ?? 0)
    .call(command.btfLoad);
}

const BPF_STATS_RUN_TIME = 0;

/** Counts runs and run time of all programs while the returned descriptor is open (Linux 5.8). */
export function enableRunTimeStatistics(): number {
  return new Attributes().u32(0, BPF_STATS_RUN_TIME).call(command.enableStats);
}
