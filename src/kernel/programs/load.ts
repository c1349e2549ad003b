/** Loads a program: log off at first, since a log costs much; once more with it when the kernel refuses. */
import { encode } from "../../bytecode/encode.ts";
import { type Instruction, PseudoSource } from "../../bytecode/instruction.ts";
import { IovisorError, NotSupported } from "../../errors.ts";
import { BtfObject } from "../btf.ts";
import { attachTypes, type ProgramLoadOptions, programLoad, programTypes } from "../sys/bpf.ts";
import { errno, errnoText } from "../sys/errno.ts";
import { syscall } from "../sys/native.ts";
import { NR } from "../sys/numbers.ts";
import { systemError } from "../system-error.ts";
import { type ProgramSpec, programTypeName } from "./spec.ts";
import { tooMuchToWalk } from "./verifier-causes.ts";
import { VerifierError } from "./verifier-error.ts";

/** What a program refers to and how to load it. */
export interface ProgramLoadSettings {
  /** The maps that `mapReferences` name. */
  readonly maps?: Readonly<Record<string, { readonly fd: number }>>;
  /** The spec's BTF, when it is loaded already (maps may share it); else it is loaded for the call. */
  readonly btf?: { readonly fd: number };
  /** The program or BTF object that `attachBtfId` belongs to; vmlinux when absent. */
  readonly attachTo?: { readonly fd: number };
  /** 1 for the trace of the failing path (the default), 2 for the state after every instruction. */
  readonly logLevel?: 1 | 2;
  /** Ask the verifier for its statistics: a small log, also when the program is accepted. */
  readonly statistics?: boolean;
}

/** A loaded program's descriptor, and its log when one was asked for. */
export interface LoadedProgram {
  readonly fd: number;
  readonly log: string;
}

const LOG_STATISTICS = 4;
const STATISTICS_LOG_SIZE = 4096;
const FIRST_LOG_SIZE = 256 * 1024;
/** The kernel's limit is 1 GiB; past this a log helps nobody. */
const LARGEST_LOG_SIZE = 64 * 1024 * 1024;
const SOCKET_FILTER = programTypes.socket_filter;

function resolveMaps(spec: ProgramSpec, settings: ProgramLoadSettings): Instruction[] {
  const instructions = [...spec.instructions];
  for (const { index, map, offset } of spec.mapReferences ?? []) {
    const target = settings.maps?.[map];
    if (!target) {
      const message = `program "${spec.name}" refers to map "${map}", which was not given`;
      throw new IovisorError("E_USAGE", message, "pass every map that the program refers to in `maps`");
    }
    const src = offset === undefined ? PseudoSource.mapFd : PseudoSource.mapValue;
    const wide = BigInt(target.fd) | (BigInt(offset ?? 0) << 32n);
    instructions[index] = { ...instructions[index]!, src, imm: target.fd, wide };
  }
  return instructions;
}

function numberOf(table: Readonly<Record<string, number>>, value: string | number | undefined): number {
  if (value === undefined) return 0;
  return typeof value === "number" ? value : table[value]!;
}

function loadOptions(spec: ProgramSpec, settings: ProgramLoadSettings, btfFd: number | undefined): ProgramLoadOptions {
  return {
    type: numberOf(programTypes, spec.type),
    expectedAttachType: numberOf(attachTypes, spec.expectedAttachType),
    code: encode(resolveMaps(spec, settings)),
    license: spec.license,
    name: spec.name,
    flags: spec.flags ?? 0,
    attachBtfId: spec.attachBtfId ?? 0,
    attachFd: settings.attachTo?.fd ?? 0,
    ...(btfFd === undefined ? {} : { btfFd, functionInfo: spec.btf!.functionInfo, lineInfo: spec.btf!.lineInfo }),
  };
}

function textOf(log: Uint8Array): string {
  const end = log.indexOf(0);
  return new TextDecoder().decode(end < 0 ? log : log.subarray(0, end));
}

/** Loads with a log that grows until it holds all that the verifier says. */
function loadWithLog(options: ProgramLoadOptions, logLevel: number): { result: number; log: string } {
  for (let size = FIRST_LOG_SIZE; ; ) {
    const log = new Uint8Array(size);
    const { result, logSize } = programLoad({ ...options, logLevel, log });
    if (result !== -errno.ENOSPC || size >= LARGEST_LOG_SIZE) return { result, log: textOf(log) };
    size = Math.min(Math.max(size * 8, logSize), LARGEST_LOG_SIZE);
  }
}

function loadWithStatistics(options: ProgramLoadOptions): { result: number; log: string } {
  const log = new Uint8Array(STATISTICS_LOG_SIZE);
  const { result } = programLoad({ ...options, logLevel: LOG_STATISTICS, log });
  return { result, log: textOf(log) };
}

/** What a program fails with that is too long, or branches too often (push_stack in kernel/bpf/verifier.c). */
const givenUp: readonly number[] = [errno.E2BIG, errno.EFAULT, errno.ENOMEM];

/**
 * The trace of a million instructions says nothing that its last line does not, and makes the verifier's second take
 * ten: where a program is too much for it, there is none.
 */
function refuseForSize(
  spec: ProgramSpec,
  options: ProgramLoadOptions,
  first: { readonly result: number; readonly log: string },
): void {
  const { result, log } = first.log === "" ? loadWithStatistics(options) : first;
  if (tooMuchToWalk.test(log)) throw new VerifierError(spec.name, -result, log, spec.btf);
}

/** True if this process may load the simplest of programs: then a refusal is about the program's kind. */
function mayLoadAnything(): boolean {
  const code = encode([
    { opcode: 0xb7, dst: 0, src: 0, offset: 0, imm: 0 },
    { opcode: 0x95, dst: 0, src: 0, offset: 0, imm: 0 },
  ]);
  const { result } = programLoad({ type: SOCKET_FILTER, code, license: "GPL" });
  if (result >= 0) syscall(NR.close, result);
  return result >= 0;
}

/** The error for a refusal without a log: it came before the verifier looked at the instructions. */
function refusal(spec: ProgramSpec, result: number): Error {
  const what = `loading program "${spec.name}" of type ${programTypeName(spec)}`;
  if (result === -errno.EPERM && !mayLoadAnything()) {
    return systemError(what, result, "run as root, or with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN");
  }
  if (result === -errno.E2BIG) {
    const message = `${what} failed: ${spec.instructions.length} instructions are more than the kernel takes`;
    return new IovisorError("E_VERIFIER", message, "split the program, or let it be cut by tail calls");
  }
  if (result === -errno.EPERM || result === -errno.EINVAL || result === -errno.ENOTSUPP) {
    const lacks = "this kernel lacks the program type, the attach type or a flag";
    const message = `${what} failed with ${errnoText(result)} and without a reason: ${lacks}`;
    return new NotSupported(`program type ${programTypeName(spec)}`, message);
  }
  return systemError(what, result);
}

/** Loads `spec`. Errors: VerifierError, NotSupported, E_PERMISSION, E_USAGE (a map is missing), E_FORMAT (BTF). */
export function loadProgram(spec: ProgramSpec, settings: ProgramLoadSettings = {}): LoadedProgram {
  using ownBtf = spec.btf && !settings.btf ? BtfObject.load(spec.btf.data) : undefined;
  const btfFd = spec.btf ? (settings.btf ?? ownBtf)?.fd : undefined;
  const options = loadOptions(spec, settings, btfFd);
  const first = settings.statistics ? loadWithStatistics(options) : { ...programLoad(options), log: "" };
  if (first.result >= 0) return { fd: first.result, log: first.log };
  if (givenUp.includes(-first.result) && settings.logLevel === undefined) refuseForSize(spec, options, first);
  const { result, log } = loadWithLog(options, (settings.logLevel ?? 1) | LOG_STATISTICS);
  if (result >= 0) return { fd: result, log };
  // A signal that is pending ends the verifier's walk (do_check); its log then names nothing that is wrong.
  if (log.trim() === "" || result === -errno.EAGAIN) throw refusal(spec, result);
  throw new VerifierError(spec.name, -result, log, spec.btf);
}
