/** BTF objects: type information in the kernel. */
import { readFileSync } from "node:fs";
import { BtfReader } from "../bytecode/btf-reader.ts";
import { NotSupported } from "../errors.ts";

import { btfLoad } from "./sys/bpf.ts";
import { Descriptor } from "./sys/descriptor.ts";
import { errno, errnoText } from "./sys/errno.ts";
import { SystemError, systemError } from "./system-error.ts";

const LOG_SIZE = 64 * 1024;

/** Type information that was loaded. Maps and programs that refer to it keep it alive in the kernel. */
export class BtfObject implements Disposable {
  readonly #descriptor: Descriptor;

  private constructor(fd: number) {
    this.#descriptor = new Descriptor(fd, "BTF object");
  }

  /** Loads encoded BTF. Throws E_FORMAT with the kernel's own words when it refuses the data. */
  static load(data: Uint8Array): BtfObject {
    const fd = btfLoad({ data });
    if (fd >= 0) return new BtfObject(fd);
    const log = new Uint8Array(LOG_SIZE);
    const again = btfLoad({ data, log, logLevel: 1 });
    if (again >= 0) return new BtfObject(again);
    if (again === -errno.EPERM) throw systemError("loading type information", again, "run as root, or with CAP_BPF");
    const text = new TextDecoder().decode(log.subarray(0, log.indexOf(0))).trim();
    const last = text.split("\n").at(-1) || "no reason given";
    throw new SystemError(
      "E_FORMAT",
      `the kernel refused the type information (${errnoText(again)}): ${last}`,
      "this is a defect of the BTF that was generated; report it with the program's source",
      -again,
    );
  }

  get fd(): number {
    return this.#descriptor.fd;
  }

  close(): void {
    this.#descriptor.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Where the kernel shows its own types (CONFIG_DEBUG_INFO_BTF). */
export const VMLINUX_BTF = "/sys/kernel/btf/vmlinux";

let vmlinux: BtfReader | undefined;

/** The running kernel's types, read once (some 5 MB). Throws NotSupported where the kernel does not show them. */
export function kernelTypes(): BtfReader {
  if (vmlinux) return vmlinux;
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(VMLINUX_BTF);
  } catch (cause) {
    throw new NotSupported("kernel BTF", `${VMLINUX_BTF} cannot be read: ${(cause as Error).message}`, {
      remedy: "run a kernel that is built with CONFIG_DEBUG_INFO_BTF (all current distributions)",
      minimumKernel: "5.4",
    });
  }
  vmlinux = new BtfReader(bytes);
  return vmlinux;
}
