/** A lock that ends with the process that holds it, however it ends. */
import { closeSync, fstatSync, mkdirSync, openSync, statSync } from "node:fs";
import { errno } from "./sys/errno.ts";
import { syscall } from "./sys/native.ts";
import { NR } from "./sys/numbers.ts";
import { checked } from "./system-error.ts";

const LOCK_EX = 2;
const LOCK_NB = 4;

/** Holds a directory against others that ask alike. */
export class DirectoryLock implements Disposable {
  readonly path: string;
  #fd: number | undefined;

  private constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  /** Makes the directory where it is missing. Undefined when another process holds it. */
  static take(path: string): DirectoryLock | undefined {
    for (;;) {
      mkdirSync(path, { recursive: true, mode: 0o700 });
      const fd = openSync(path, "r");
      const result = syscall(NR.flock, fd, LOCK_EX | LOCK_NB);
      if (result === 0 && isAt(fd, path)) return new DirectoryLock(path, fd);
      closeSync(fd);
      if (result === -errno.EAGAIN) return undefined;
      checked(result, `locking ${path}`);
      // The directory was removed between the two steps: the lock would be on nothing.
    }
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

function isAt(fd: number, path: string): boolean {
  const [held, there] = [fstatSync(fd), statSync(path, { throwIfNoEntry: false })];
  return held.ino === there?.ino && held.dev === there.dev;
}
