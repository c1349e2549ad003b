/** Attachments that are BPF links: nearly all. The kernel detaches when the last descriptor or pin goes. */
import { renameSync, rmSync } from "node:fs";
import { IovisorError } from "../../errors.ts";
import { openPinned, pinObject } from "../bpffs.ts";
import { linkDetach, linkUpdate } from "../sys/bpf.ts";
import { Descriptor } from "../sys/descriptor.ts";
import { errno, errnoText } from "../sys/errno.ts";
import { syscall } from "../sys/native.ts";
import { NR } from "../sys/numbers.ts";
import { systemError } from "../system-error.ts";
import type { AttachableProgram, Attachment, HookName } from "./attachment.ts";
import {
  describeLoaded,
  describeProgram,
  hasTarget,
  type LinkInfo,
  programIdOf,
  readLinkInfo,
  withProgram,
} from "./link-info.ts";

const ENOLINK = 67;

/** How a hook makes its links. */
export interface LinkRecipe {
  readonly hook: HookName;
  readonly target: string;
  /**
   * How a program is replaced: "in-place" by BPF_LINK_UPDATE; "new-first" where a second link can stand beside the
   * first for a moment; "old-first" where neither is possible.
   */
  readonly replacement: "in-place" | "new-first" | "old-first";
  /** Makes a link; throws with what is wrong and how to mend it. */
  create(program: AttachableProgram): number;
  /** Is a link that was found at a pin the one that this recipe describes? */
  matches(info: LinkInfo): boolean;
}

/** A program attached through a link. */
export class LinkAttachment implements Attachment {
  readonly #recipe: LinkRecipe;
  #link: Descriptor;
  #linkId: number;
  #programId: number;
  #pin: string | undefined;

  private constructor(recipe: LinkRecipe, link: Descriptor, pin: string | undefined) {
    this.#recipe = recipe;
    this.#link = link;
    this.#pin = pin;
    const info = readLinkInfo(link.fd);
    this.#linkId = info.id;
    this.#programId = info.programId;
  }

  /** Attaches a program. */
  static create(recipe: LinkRecipe, program: AttachableProgram): LinkAttachment {
    return new LinkAttachment(recipe, own(recipe, program), undefined);
  }

  /** Takes over an attachment that was pinned, by this process or one before. Throws E_USAGE if it is another one. */
  static adopt(recipe: LinkRecipe, path: string): LinkAttachment {
    const link = new Descriptor(openPinned(path), describe(recipe));
    try {
      if (!recipe.matches(readLinkInfo(link.fd))) throw mismatch(path, describe(recipe));
      return new LinkAttachment(recipe, link, path);
    } catch (error) {
      link.close();
      throw error;
    }
  }

  get hook(): HookName {
    return this.#recipe.hook;
  }

  get target(): string {
    return this.#recipe.target;
  }

  get programId(): number {
    return this.#programId;
  }

  get linkId(): number | undefined {
    return this.#link.closed ? undefined : this.#linkId;
  }

  isAttached(): boolean {
    return !this.#link.closed && hasTarget(readLinkInfo(this.#link.fd));
  }

  update(program: AttachableProgram): void {
    switch (this.#recipe.replacement) {
      case "in-place":
        this.#swap(program);
        break;
      case "new-first":
        this.#moveTo(own(this.#recipe, program));
        break;
      case "old-first":
        this.#reattach(program);
        break;
    }
    this.#programId = programIdOf(program.fd);
  }

  pin(path: string): void {
    if (this.#pin !== undefined) {
      throw new IovisorError("E_USAGE", `the attachment is pinned at ${this.#pin} already`, "pin it once");
    }
    pinObject(this.#link.fd, path, `the attachment to ${describe(this.#recipe)}`);
    this.#pin = path;
  }

  detach(): void {
    if (this.#link.closed) return;
    if (this.#pin !== undefined) {
      // A pin, and whoever opened it, would keep the link: end it first. Kinds that cannot end go with their last user.
      linkDetach(this.#link.fd);
      rmSync(this.#pin, { force: true });
      this.#pin = undefined;
    }
    this.#link.close();
  }

  close(): void {
    this.#link.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Only if our program is still there: a link that was pinned can have other users. */
  #swap(program: AttachableProgram): void {
    const where = describe(this.#recipe);
    // Opening a program by its id takes CAP_SYS_ADMIN, and a program that was replaced may be gone: look first.
    const now = readLinkInfo(this.#link.fd).programId;
    if (now !== this.#programId) throw replacedBy(this.#programId, now, where);
    const result = withProgram(this.#programId, (old) => linkUpdate(this.#link.fd, program.fd, old));
    if (result >= 0) return;
    if (result === -errno.EPERM) throw replacedBy(this.#programId, readLinkInfo(this.#link.fd).programId, where);
    if (result === -ENOLINK) {
      throw new IovisorError("E_NO_DEVICE", `${where} is gone, and the attachment with it`, "attach anew");
    }
    if (result === -errno.EINVAL) {
      throw new IovisorError(
        "E_USAGE",
        `${describeLoaded(program)} cannot replace the one at ${where}: ${errnoText(result)}`,
        "the new program must have the type and the expected attach type of the old one",
      );
    }
    throw systemError(`replacing the program at ${where}`, result);
  }

  /** Goes over to another link. The pin moves by rename, so that there always is one. */
  #moveTo(next: Descriptor): void {
    try {
      if (this.#pin !== undefined) {
        const temporary = `${this.#pin}_next`;
        pinObject(next.fd, temporary, `the attachment to ${describe(this.#recipe)}`);
        renameSync(temporary, this.#pin);
      }
    } catch (error) {
      next.close();
      throw error;
    }
    this.#link.close();
    this.#link = next;
    this.#linkId = readLinkInfo(next.fd).id;
  }

  /** Detaches the old program, then attaches the new one, or the old one again if that fails. */
  #reattach(program: AttachableProgram): void {
    withProgram(this.#programId, (old) => {
      linkDetach(this.#link.fd);
      try {
        this.#moveTo(own(this.#recipe, program));
      } catch (error) {
        if (old !== undefined) this.#moveTo(own(this.#recipe, { fd: old }));
        throw error;
      }
    });
  }
}

/** The error for a pin that holds something else than expected. */
export function mismatch(path: string, expected: string): IovisorError {
  return new IovisorError("E_USAGE", `what is pinned at ${path} is not an attachment to ${expected}`, "check the path");
}

function replacedBy(expected: number, now: number, where: string): IovisorError {
  return new IovisorError(
    "E_BUSY",
    `${describeProgram(expected)} at ${where} was replaced by ${describeProgram(now)} in the meantime`,
    "adopt the pinned attachment again, or find out who else updates it",
  );
}

function own(recipe: LinkRecipe, program: AttachableProgram): Descriptor {
  return new Descriptor(recipe.create(program), describe(recipe));
}

function describe(recipe: LinkRecipe): string {
  return `${recipe.hook} of ${recipe.target}`;
}

/** Ends whatever link is pinned at `path`, and removes the pin. A pin that holds no link is only removed. */
export function detachPinned(path: string): void {
  const fd = openPinned(path);
  try {
    linkDetach(fd);
  } finally {
    syscall(NR.close, fd);
  }
  rmSync(path, { force: true });
}
