/** The program commands of bpf(2), one function each. All return the call's result or the negative error number. */
import { Attributes } from "./attributes.ts";
import { command } from "./constants.ts";
import { errno } from "./errno.ts";
import { withoutSignals } from "./signals.ts";

/** Arguments of BPF_PROG_LOAD; records as in `struct bpf_func_info` (8 bytes) and `struct bpf_line_info` (16). */
export interface ProgramLoadOptions {
  readonly type: number;
  /** Encoded instructions, 8 bytes per slot. */
  readonly code: Uint8Array;
  readonly license: string;
  readonly name?: string;
  readonly flags?: number;
  readonly expectedAttachType?: number;
  readonly btfFd?: number;
  readonly functionInfo?: Uint8Array | undefined;
  readonly lineInfo?: Uint8Array | undefined;
  readonly attachBtfId?: number;
  /** A program's or a BTF object's descriptor that `attachBtfId` belongs to; absent for vmlinux. */
  readonly attachFd?: number;
  readonly ifindex?: number;
  readonly logLevel?: number;
  readonly log?: Uint8Array | undefined;
}

const FUNCTION_INFO_SIZE = 8;
const LINE_INFO_SIZE = 16;
/** The verifier gives up when a signal is pending (do_check in kernel/bpf/verifier.c); libbpf tries five times too. */
const LOAD_ATTEMPTS = 5;

/** What BPF_PROG_LOAD returned; `logSize` is the size that the whole log needs (0 before Linux 6.4). */
export interface ProgramLoadResult {
  readonly result: number;
  readonly logSize: number;
}

/** Loads a program; `result` is its descriptor. -EAGAIN where signals that cannot be held back keep coming. */
export function programLoad(options: ProgramLoadOptions): ProgramLoadResult {
  const { functionInfo, lineInfo } = options;
  const attributes = new Attributes()
    .u32(0, options.type)
    .u32(4, options.code.length / 8)
    .pointer(8, options.code)
    .text(16, options.license)
    .u32(24, options.logLevel ?? 0)
    .u32(28, options.log?.length ?? 0)
    .pointer(32, options.log)
    .u32(44, options.flags ?? 0)
    .name(48, options.name ?? "")
    .u32(64, options.ifindex ?? 0)
    .u32(68, options.expectedAttachType ?? 0)
    .u32(72, options.btfFd ?? 0)
    .u32(76, functionInfo ? FUNCTION_INFO_SIZE : 0)
    .pointer(80, functionInfo)
    .u32(88, (functionInfo?.length ?? 0) / FUNCTION_INFO_SIZE)
    .u32(92, lineInfo ? LINE_INFO_SIZE : 0)
    .pointer(96, lineInfo)
    .u32(104, (lineInfo?.length ?? 0) / LINE_INFO_SIZE)
    .u32(108, options.attachBtfId ?? 0)
    .u32(112, options.attachFd ?? 0);
  let result = attributes.call(command.programLoad);
  for (let attempt = 1; result === -errno.EAGAIN && attempt < LOAD_ATTEMPTS; attempt++) {
    result = attributes.call(command.programLoad);
  }
  // A timer's signals may come faster than the verifier walks.
  if (result === -errno.EAGAIN) result = withoutSignals(() => attributes.call(command.programLoad));
  return { result, logSize: attributes.getU32(140) };
}

/** Arguments of BPF_PROG_TEST_RUN. */
export interface ProgramTestRunOptions {
  readonly fd: number;
  readonly dataIn?: Uint8Array | undefined;
  readonly dataOut?: Uint8Array | undefined;
  readonly contextIn?: Uint8Array | undefined;
  readonly contextOut?: Uint8Array | undefined;
  readonly repeat?: number;
  readonly flags?: number;
  readonly cpu?: number;
  readonly batchSize?: number;
}

/** Output of BPF_PROG_TEST_RUN; `duration` is the mean in nanoseconds per run. */
export interface ProgramTestRunResult {
  readonly result: number;
  readonly returnValue: number;
  readonly duration: number;
  readonly dataSize: number;
  readonly contextSize: number;
}

/** Runs a program on given data. */
export function programTestRun(options: ProgramTestRunOptions): ProgramTestRunResult {
  const attributes = new Attributes()
    .u32(0, options.fd)
    .u32(8, options.dataIn?.length ?? 0)
    .u32(12, options.dataOut?.length ?? 0)
    .pointer(16, options.dataIn)
    .pointer(24, options.dataOut)
    .u32(32, options.repeat ?? 0)
    .u32(40, options.contextIn?.length ?? 0)
    .u32(44, options.contextOut?.length ?? 0)
    .pointer(48, options.contextIn)
    .pointer(56, options.contextOut)
    .u32(64, options.flags ?? 0)
    .u32(68, options.cpu ?? 0)
    .u32(72, options.batchSize ?? 0);
  const result = attributes.call(command.testRun);
  return {
    result,
    returnValue: attributes.getU32(4),
    duration: attributes.getU32(36),
    dataSize: attributes.getU32(12),
    contextSize: attributes.getU32(44),
  };
}

/** Makes a map live as long as a program, although the program does not refer to it (Linux 5.10). */
export function programBindMap(programFd: number, mapFd: number): number {
  return new Attributes().u32(0, programFd).u32(4, mapFd).call(command.programBindMap);
}

/** Arguments of BPF_PROG_ATTACH and BPF_PROG_DETACH, for what predates links. */
export interface ProgramAttachOptions {
  /** A cgroup's, socket map's or namespace's descriptor, or an interface index. */
  readonly target: number;
  readonly programFd?: number;
  readonly attachType: number;
  readonly flags?: number;
  readonly replaceFd?: number;
  /** A descriptor, or an id with BPF_F_ID in `flags`. */
  readonly relative?: number;
  readonly expectedRevision?: bigint;
}

function attachAttributes(options: ProgramAttachOptions): Attributes {
  return new Attributes()
    .u32(0, options.target)
    .u32(4, options.programFd ?? 0)
    .u32(8, options.attachType)
    .u32(12, options.flags ?? 0)
    .u32(16, options.replaceFd ?? 0)
    .u32(20, options.relative ?? 0)
    .u64(24, options.expectedRevision ?? 0n);
}

/** Attaches without a link. */
export function programAttach(options: ProgramAttachOptions): number {
  return attachAttributes(options).call(command.programAttach);
}

/** Undoes {@link programAttach}. */
export function programDetach(options: ProgramAttachOptions): number {
  return attachAttributes(options).call(command.programDetach);
}

/** What BPF_PROG_QUERY tells; arrays are cut to what is attached. `linkIds` are 0 for attachments without a link. */
export interface ProgramQueryResult {
  readonly result: number;
  readonly programIds: Uint32Array;
  readonly linkIds: Uint32Array;
  readonly revision: bigint;
  readonly attachFlags: number;
}

/** TCX and netkit report link ids; cgroups and others refuse the field. */
const MULTI_PROGRAM_ATTACH_TYPES = new Set([46, 47, 54, 55]);

/** Lists the programs on a hook, in the order in which they run. */
export function programQuery(target: number, attachType: number, queryFlags = 0, capacity = 64): ProgramQueryResult {
  const programIds = new Uint32Array(capacity);
  const linkIds = new Uint32Array(capacity);
  const withLinks = MULTI_PROGRAM_ATTACH_TYPES.has(attachType);
  const attributes = new Attributes()
    .u32(0, target)
    .u32(4, attachType)
    .u32(8, queryFlags)
    .pointer(16, new Uint8Array(programIds.buffer))
    .u32(24, capacity)
    .pointer(40, withLinks ? new Uint8Array(linkIds.buffer) : undefined);
  const result = attributes.call(command.programQuery);
  const count = attributes.getU32(24);
  if (result === -errno.ENOSPC && count > capacity) return programQuery(target, attachType, queryFlags, count + 16);
  return {
    result,
    programIds: programIds.subarray(0, result < 0 ? 0 : count),
    linkIds: linkIds.subarray(0, result < 0 || !withLinks ? 0 : count),
    revision: attributes.getU64(56),
    attachFlags: attributes.getU32(12),
  };
}

/**
 * Attaches to a raw tracepoint by name, or, without a name, to what the program was loaded for (tp_btf, fentry, LSM);
 * returns the link's descriptor.
 */
export function rawTracepointOpen(programFd: number, name?: string, cookie = 0n): number {
  const attributes = new Attributes().u32(8, programFd).u64(16, cookie);
  if (name !== undefined) attributes.text(0, name);
  return attributes.call(command.rawTracepointOpen);
}
