/** A program in the kernel. */
import { openPinned, pinObject } from "../bpffs.ts";
import { enableRunTimeStatistics, type IdentifiedObject, nextId, openById, programBindMap } from "../sys/bpf.ts";
import { Descriptor } from "../sys/descriptor.ts";
import { errno } from "../sys/errno.ts";
import { checked, systemError } from "../system-error.ts";
import { type ProgramDump, type ProgramInfo, readProgramDump, readProgramInfo } from "./info.ts";
import { loadProgram, type ProgramLoadSettings } from "./load.ts";
import type { ProgramSpec } from "./spec.ts";
import { type TestRunOptions, type TestRunResult, testRun } from "./test-run.ts";
import { parseStatistics, type VerifierStatistics } from "./verifier-log.ts";

/** A program and its descriptor. It lives on while links, program arrays, pins or other descriptors hold it. */
export class KernelProgram implements Disposable {
  readonly name: string;
  /** What the verifier counted; only when asked for at load. */
  readonly statistics: VerifierStatistics | undefined;
  readonly #descriptor: Descriptor;

  private constructor(fd: number, name: string, statistics?: VerifierStatistics) {
    this.name = name;
    this.statistics = statistics;
    this.#descriptor = new Descriptor(fd, `program ${name}`);
  }

  /** Loads a program. Errors: VerifierError, NotSupported, E_PERMISSION, E_USAGE, E_FORMAT. */
  static load(spec: ProgramSpec, settings: ProgramLoadSettings = {}): KernelProgram {
    const { fd, log } = loadProgram(spec, settings);
    return new KernelProgram(fd, spec.name, parseStatistics(log));
  }

  /** Takes over a descriptor of an existing program. */
  static fromFd(fd: number): KernelProgram {
    return new KernelProgram(fd, readProgramInfo(fd).name);
  }

  /** Opens a pinned program. */
  static fromPin(path: string): KernelProgram {
    return KernelProgram.fromFd(openPinned(path));
  }

  /** Opens a program by its machine-wide id. */
  static fromId(id: number): KernelProgram {
    return KernelProgram.fromFd(checked(openById("program", id), `opening program ${id}`));
  }

  get fd(): number {
    return this.#descriptor.fd;
  }

  /** What the kernel tells about it: ids, sizes, run count and time. */
  info(): ProgramInfo {
    return readProgramInfo(this.fd);
  }

  /** Its instructions and machine code as the kernel holds them. */
  dump(): ProgramDump {
    return readProgramDump(this.fd);
  }

  /** Runs it on given data, without attaching it. */
  testRun(options: TestRunOptions = {}): TestRunResult {
    return testRun(this.fd, this.name, options);
  }

  /** Makes a map live as long as this program although its code does not refer to it (Linux 5.10). */
  bindMap(map: { readonly fd: number }): void {
    checked(programBindMap(this.fd, map.fd), `binding a map to program "${this.name}"`);
  }

  /** Makes it outlive this process, at a path under a bpffs. */
  pin(path: string): void {
    pinObject(this.fd, path, `program "${this.name}"`);
  }

  /** Gives up this descriptor. */
  close(): void {
    this.#descriptor.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Counts runs and run time of every program on the machine (about 20 ns per run) until the result is closed
 * (Linux 5.8). Read them with `KernelProgram.info()`.
 */
export function enableStatistics(): Descriptor {
  return new Descriptor(checked(enableRunTimeStatistics(), "turning on program statistics"), "program statistics");
}

/** All ids of a kind, ascending, machine-wide: other owners' objects are among them. */
export function* objectIds(kind: IdentifiedObject): Generator<number> {
  for (let id = 0; ; ) {
    const next = nextId(kind, id);
    if (next === -errno.ENOENT) return;
    if (next < 0) throw systemError(`listing ${kind} ids`, next);
    yield (id = next);
  }
}
