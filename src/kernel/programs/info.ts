/** `struct bpf_prog_info`, decoded. */
import { infoName } from "../maps/info.ts";
import { nameOf, objectInfo, programTypes } from "../sys/bpf.ts";
import { addressOf, keepAlive } from "../sys/native.ts";
import { checked } from "../system-error.ts";

/** What the kernel tells about a program. */
export interface ProgramInfo {
  readonly id: number;
  readonly type: string;
  readonly name: string;
  /** A hash of the instructions, as 16 hexadecimal digits: equal for equal programs. */
  readonly tag: string;
  readonly mapIds: readonly number[];
  readonly btfId: number;
  /** Size of the program after the verifier's rewrites, in bytes. */
  readonly translatedSize: number;
  /** Size of the machine code, in bytes; 0 when there is no JIT. */
  readonly jitedSize: number;
  /** Nanoseconds since boot. */
  readonly loadTime: bigint;
  readonly createdByUid: number;
  readonly gplCompatible: boolean;
  /** Counted while statistics are on (see `enableStatistics`). */
  readonly runCount: bigint;
  /** Nanoseconds, counted while statistics are on. */
  readonly runTime: bigint;
  readonly recursionMisses: bigint;
  /** Instructions that the verifier walked (Linux 5.16). */
  readonly verifiedInstructions: number;
  readonly attachBtfId: number;
}

/** The program's code inside the kernel. */
export interface ProgramDump {
  /** Instructions after the verifier's rewrites, in their encoding. */
  readonly translated: Uint8Array;
  /** Machine code of this architecture; empty when there is no JIT. */
  readonly jited: Uint8Array;
}

const INFO_SIZE = 232;
const FIELD = { jitedLength: 16, translatedLength: 20, jited: 24, translated: 32, mapCount: 52, maps: 56 } as const;

function read(fd: number, view: DataView): void {
  const bytes = new Uint8Array(view.buffer);
  checked(objectInfo(fd, bytes), "reading a program's information");
}

function readMapIds(fd: number, count: number): number[] {
  if (count === 0) return [];
  const ids = new Uint32Array(count);
  const view = new DataView(new ArrayBuffer(INFO_SIZE));
  view.setUint32(FIELD.mapCount, count, true);
  view.setBigUint64(FIELD.maps, addressOf(new Uint8Array(ids.buffer)), true);
  read(fd, view);
  keepAlive(ids);
  return [...ids.subarray(0, view.getUint32(FIELD.mapCount, true))];
}

/** Asks the kernel about the program behind a descriptor. */
export function readProgramInfo(fd: number): ProgramInfo {
  const view = new DataView(new ArrayBuffer(INFO_SIZE));
  read(fd, view);
  const u32 = (offset: number) => view.getUint32(offset, true);
  const u64 = (offset: number) => view.getBigUint64(offset, true);
  const bytes = new Uint8Array(view.buffer);
  return {
    type: nameOf(programTypes, u32(0)),
    id: u32(4),
    tag: Buffer.from(bytes.subarray(8, 16)).toString("hex"),
    jitedSize: u32(FIELD.jitedLength),
    translatedSize: u32(FIELD.translatedLength),
    loadTime: u64(40),
    createdByUid: u32(48),
    mapIds: readMapIds(fd, u32(FIELD.mapCount)),
    name: infoName(bytes, 64),
    gplCompatible: (u32(84) & 1) === 1,
    btfId: u32(128),
    runTime: u64(192),
    runCount: u64(200),
    recursionMisses: u64(208),
    verifiedInstructions: u32(216),
    attachBtfId: u32(224),
  };
}

/** Reads the program's code. Empty arrays where the process may not see it (needs CAP_BPF and CAP_PERFMON). */
export function readProgramDump(fd: number): ProgramDump {
  const sizes = new DataView(new ArrayBuffer(INFO_SIZE));
  read(fd, sizes);
  const jited = new Uint8Array(sizes.getUint32(FIELD.jitedLength, true));
  const translated = new Uint8Array(sizes.getUint32(FIELD.translatedLength, true));
  const view = new DataView(new ArrayBuffer(INFO_SIZE));
  view.setUint32(FIELD.jitedLength, jited.length, true);
  view.setUint32(FIELD.translatedLength, translated.length, true);
  view.setBigUint64(FIELD.jited, addressOf(jited), true);
  view.setBigUint64(FIELD.translated, addressOf(translated), true);
  read(fd, view);
  keepAlive([jited, translated]);
  return { translated, jited };
}
