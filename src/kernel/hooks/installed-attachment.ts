/**
 * Attachments that are not links: a tc filter, or XDP set through netlink. The kernel keeps them until someone takes
 * them away, so that `close()` must; and nothing but our own care keeps two owners apart.
 */
import { rmSync } from "node:fs";
import { IovisorError } from "../../errors.ts";
import { openPinned, pinObject } from "../bpffs.ts";
import { syscall } from "../sys/native.ts";
import { NR } from "../sys/numbers.ts";
import type { AttachableProgram, Attachment, HookName } from "./attachment.ts";
import { mismatch } from "./link-attachment.ts";
import { describeProgram, programIdOf, withProgram } from "./link-info.ts";

/** How a program gets to a place and leaves it. */
export interface Installer {
  readonly hook: HookName;
  readonly target: string;
  /** Puts `program` where `expected` is, or where nobody is if that is undefined. */
  install(program: AttachableProgram, expected: number | undefined): void;
  /** Takes the program away. */
  remove(expected: number): void;
  /** The id of the program that is there. */
  current(): number | undefined;
}

/** A program that was installed. */
export class InstalledAttachment implements Attachment {
  readonly #installer: Installer;
  #programId: number;
  #pin: string | undefined;
  #open = true;

  private constructor(installer: Installer, programId: number, pin: string | undefined) {
    this.#installer = installer;
    this.#programId = programId;
    this.#pin = pin;
  }

  /** Attaches a program. */
  static create(installer: Installer, program: AttachableProgram): InstalledAttachment {
    installer.install(program, undefined);
    return new InstalledAttachment(installer, programIdOf(program.fd), undefined);
  }

  /** Takes over what was pinned: `locate` finds the place that holds the pinned program. */
  static adopt(
    path: string,
    expected: string,
    locate: (programId: number) => Installer | undefined,
  ): InstalledAttachment {
    const fd = openPinned(path);
    try {
      const programId = programIdOf(fd);
      const installer = locate(programId);
      if (!installer) throw mismatch(path, expected);
      return new InstalledAttachment(installer, programId, path);
    } finally {
      syscall(NR.close, fd);
    }
  }

  get hook(): HookName {
    return this.#installer.hook;
  }

  get target(): string {
    return this.#installer.target;
  }

  get programId(): number {
    return this.#programId;
  }

  get linkId(): undefined {
    return undefined;
  }

  isAttached(): boolean {
    return this.#open && this.#installer.current() === this.#programId;
  }

  update(program: AttachableProgram): void {
    const where = `${this.hook} of ${this.target}`;
    if (!this.#open) throw new TypeError(`${where} was detached`);
    const current = this.#installer.current();
    if (current !== this.#programId) {
      throw new IovisorError(
        "E_BUSY",
        `${describeProgram(this.#programId)} at ${where} was ${current ? `replaced by ${describeProgram(current)}` : "taken away"} in the meantime`,
        "find out who else changes this device, and attach anew",
      );
    }
    this.#installer.install(program, this.#programId);
    this.#programId = programIdOf(program.fd);
    if (this.#pin !== undefined) this.#movePin(this.#pin, program.fd);
  }

  pin(path: string): void {
    if (this.#pin !== undefined) {
      throw new IovisorError("E_USAGE", `the attachment is pinned at ${this.#pin} already`, "pin it once");
    }
    withProgram(this.#programId, (fd) => pinObject(fd ?? -1, path, describeProgram(this.#programId)));
    this.#pin = path;
  }

  detach(): void {
    if (!this.#open) return;
    this.#open = false;
    if (this.#pin !== undefined) rmSync(this.#pin, { force: true });
    if (this.#installer.current() === this.#programId) this.#installer.remove(this.#programId);
  }

  close(): void {
    if (this.#pin === undefined) this.detach();
    this.#open = false;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #movePin(path: string, fd: number): void {
    rmSync(path, { force: true });
    pinObject(fd, path, describeProgram(this.#programId));
  }
}
