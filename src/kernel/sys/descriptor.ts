/**
 * Owned file descriptors. Each is closed exactly once, by `close()`, by `using`, or by the test suite's leak check
 * that says where it was created.
 */
import { syscall } from "./native.ts";
import { NR } from "./numbers.ts";

const open = new Map<number, Descriptor>();

/** Record creation stacks; costs some microseconds each, so it is on in tests and on request only. */
const recordStacks = process.env["IOVISOR_DEBUG"] !== undefined || process.env["NODE_TEST_CONTEXT"] !== undefined;

/** A descriptor that this process owns. */
export class Descriptor implements Disposable {
  /** What it refers to, for messages: "map usage", "program closed_port". */
  readonly what: string;
  /** Where it was created; only with IOVISOR_DEBUG set, or under the test runner. */
  readonly createdAt: string | undefined;
  #fd: number;

  constructor(fd: number, what: string) {
    this.#fd = fd;
    this.what = what;
    this.createdAt = recordStacks ? new Error(what).stack?.split("\n").slice(2).join("\n") : undefined;
    open.set(fd, this);
  }

  /** The number; throws after `close()`, so that a number reused by the kernel is never touched by mistake. */
  get fd(): number {
    if (this.#fd < 0) throw new TypeError(`${this.what} is closed`);
    return this.#fd;
  }

  get closed(): boolean {
    return this.#fd < 0;
  }

  /** Closes it; a second call does nothing. */
  close(): void {
    if (this.#fd < 0) return;
    open.delete(this.#fd);
    syscall(NR.close, this.#fd);
    this.#fd = -1;
  }

  /** Gives the number up to the caller, who closes it from now on. */
  release(): number {
    const fd = this.fd;
    open.delete(fd);
    this.#fd = -1;
    return fd;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** All owned descriptors that are open now. */
export function openDescriptors(): readonly Descriptor[] {
  return [...open.values()];
}

/**
 * Descriptors opened since `before` (a result of {@link openDescriptors}) that are still open, as text with the place
 * of creation: empty when nothing leaked.
 */
export function leakedDescriptors(before: readonly Descriptor[] = []): string[] {
  const known = new Set(before);
  return openDescriptors()
    .filter((descriptor) => !known.has(descriptor))
    .map(
      (descriptor) =>
        `descriptor ${descriptor.fd} (${descriptor.what}) was not closed; created\n${descriptor.createdAt ?? ""}`,
    );
}
