/**
 * Network namespaces, named as `ip netns` names them: a bind mount of the namespace's file in /run/netns.
 *
 * setns(2) moves one thread. All work inside a namespace is therefore synchronous: what Node does on its thread pool
 * (DNS, asynchronous file access) stays in the process's own namespace. Sockets and processes that are made inside
 * stay in the namespace.
 */
import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, unlinkSync } from "node:fs";
import { IovisorError } from "../errors.ts";
import { Descriptor } from "./sys/descriptor.ts";
import { errno, errnoText } from "./sys/errno.ts";
import { syscall } from "./sys/native.ts";
import { NR } from "./sys/numbers.ts";
import { checked, cString, systemError } from "./system-error.ts";

/** Where `ip netns` keeps named namespaces (iproute2: NETNS_RUN_DIR). */
export const NAMESPACE_DIRECTORY = "/run/netns";
const OWN_NAMESPACE = "/proc/thread-self/ns/net";
const CLONE_NEWNET = 0x40000000;
const MS_BIND = 0x1000;
const MS_REC = 0x4000;
const MS_SHARED = 1 << 20;
const MNT_DETACH = 2;
const NEEDS_ROOT = "run as root, or with CAP_SYS_ADMIN";

/** An open network namespace. Closing it gives up our hold only; a named one lives on until {@link delete}d. */
export class NetworkNamespace implements Disposable {
  /** The name under /run/netns; undefined for one that was not opened by name. */
  readonly name: string | undefined;
  /** The inode number of the namespace's file: equal for equal namespaces (`lsns`, `ls -i /run/netns`). */
  readonly inode: bigint;
  readonly #descriptor: Descriptor;

  private constructor(fd: number, name: string | undefined, what: string) {
    this.#descriptor = new Descriptor(fd, `network namespace ${what}`);
    this.name = name;
    this.inode = fstatSync(fd, { bigint: true }).ino;
  }

  /** Makes a namespace that `ip netns list` shows. Throws E_BUSY if the name is taken. */
  static create(name: string): NetworkNamespace {
    const path = pathOf(name);
    prepareDirectory();
    try {
      closeSync(openSync(path, "ax", 0o444));
    } catch (error) {
      throw creationError(name, error);
    }
    try {
      return inNewNamespace(() => {
        mount(OWN_NAMESPACE, path, MS_BIND, `mounting ${path}`);
        return new NetworkNamespace(openSync(path, "r"), name, name);
      });
    } catch (error) {
      unlinkSync(path);
      throw error;
    }
  }

  /** Makes a namespace without a name: it is gone when this and all sockets and processes inside are. */
  static createUnnamed(): NetworkNamespace {
    return inNewNamespace(() => new NetworkNamespace(openSync(OWN_NAMESPACE, "r"), undefined, "without a name"));
  }

  /** Opens a namespace by name. Throws E_NO_NAMESPACE. */
  static open(name: string): NetworkNamespace {
    return new NetworkNamespace(openFile(pathOf(name), `no network namespace "${name}"`), name, name);
  }

  /** The namespace of a process. */
  static ofProcess(pid: number): NetworkNamespace {
    const fd = openFile(`/proc/${pid}/ns/net`, `no process ${pid} whose network namespace could be opened`);
    return new NetworkNamespace(fd, undefined, `of process ${pid}`);
  }

  /** The namespace that the calling thread is in. */
  static current(): NetworkNamespace {
    return new NetworkNamespace(openSync(OWN_NAMESPACE, "r"), undefined, "of this thread");
  }

  /** Names of all namespaces under /run/netns. */
  static list(): string[] {
    try {
      return readdirSync(NAMESPACE_DIRECTORY).sort();
    } catch {
      return [];
    }
  }

  /** Removes the name. The namespace itself goes when nothing uses it any more. Throws E_NO_NAMESPACE. */
  static delete(name: string): void {
    const path = pathOf(name);
    const unmounted = syscall(NR.umount2, cString(path), MNT_DETACH);
    // EINVAL: a plain file that an interrupted creation left behind; it is removed like the mount point.
    if (unmounted === -errno.ENOENT) throw noNamespace(`no network namespace "${name}"`);
    if (unmounted < 0 && unmounted !== -errno.EINVAL) throw systemError(`unmounting ${path}`, unmounted, NEEDS_ROOT);
    unlinkSync(path);
  }

  get fd(): number {
    return this.#descriptor.fd;
  }

  /**
   * Runs a synchronous function inside the namespace and returns its result. The thread is back where it was when
   * this returns or throws. A promise as result is refused: its work would continue outside.
   */
  run<Result>(body: () => Result): Result {
    const enter = () =>
      checked(syscall(NR.setns, this.fd, CLONE_NEWNET), `entering ${this.#descriptor.what}`, NEEDS_ROOT);
    return awayFromHome(enter, () => {
      const result = body();
      if (result instanceof Promise) {
        result.catch(() => undefined);
        throw new IovisorError(
          "E_USAGE",
          "a function that runs inside a network namespace returned a promise",
          "do the synchronous part (opening sockets, starting processes) inside, and await outside",
        );
      }
      return result;
    });
  }

  close(): void {
    this.#descriptor.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Runs `body` inside `namespace`, or where the thread is if there is none. */
export function inside<Result>(namespace: NetworkNamespace | undefined, body: () => Result): Result {
  return namespace ? namespace.run(body) : body();
}

/** Leaves the thread's namespace by `enter`, which throws if it cannot, runs `body`, and comes back. */
function awayFromHome<Result>(enter: () => void, body: () => Result): Result {
  const home = openSync(OWN_NAMESPACE, "r");
  let away = false;
  try {
    enter();
    away = true;
    return body();
  } finally {
    const result = away ? syscall(NR.setns, home, CLONE_NEWNET) : 0;
    closeSync(home);
    if (result < 0) {
      // Every later socket would be in the wrong namespace: nothing sensible can follow.
      process.stderr.write(`iovisor: the thread cannot return to its network namespace: ${errnoText(result)}\n`);
      process.abort();
    }
  }
}

function inNewNamespace<Result>(body: () => Result): Result {
  const enter = () => checked(syscall(NR.unshare, CLONE_NEWNET), "creating a network namespace", NEEDS_ROOT);
  return awayFromHome(enter, body);
}

function pathOf(name: string): string {
  if (!/^[^/\0]{1,255}$/.test(name) || name === "." || name === "..") {
    throw new IovisorError(
      "E_USAGE",
      `"${name}" cannot name a network namespace`,
      "use a plain file name without slashes",
    );
  }
  return `${NAMESPACE_DIRECTORY}/${name}`;
}

function noNamespace(message: string): IovisorError {
  return new IovisorError("E_NO_NAMESPACE", message, "list the namespaces with `ip netns`");
}

function openFile(path: string, otherwise: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EACCES") {
      throw new IovisorError("E_PERMISSION", `${path} may not be opened`, NEEDS_ROOT);
    }
    throw noNamespace(otherwise);
  }
}

function creationError(name: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "EEXIST") {
    return new IovisorError(
      "E_BUSY",
      `the network namespace "${name}" exists already`,
      `remove it with \`ip netns del ${name}\``,
    );
  }
  if (code === "EACCES") return new IovisorError("E_PERMISSION", `creating "${name}" is not permitted`, NEEDS_ROOT);
  return error;
}

function mount(source: string, target: string, flags: number, action: string): void {
  checked(syscall(NR.mount, cString(source), cString(target), cString("none"), flags, 0), action, NEEDS_ROOT);
}

/**
 * Makes /run/netns a shared mount, as `ip netns add` does, so that names reach the other mount namespaces. Where it is
 * not a mount point yet (EINVAL), it is mounted on itself first.
 */
function prepareDirectory(): void {
  try {
    mkdirSync(NAMESPACE_DIRECTORY, { recursive: true, mode: 0o755 });
  } catch {
    throw new IovisorError("E_PERMISSION", `${NAMESPACE_DIRECTORY} cannot be made`, NEEDS_ROOT);
  }
  const share = () =>
    syscall(NR.mount, cString(""), cString(NAMESPACE_DIRECTORY), cString("none"), MS_SHARED | MS_REC, 0);
  const result = share();
  if (result === -errno.EINVAL) {
    mount(NAMESPACE_DIRECTORY, NAMESPACE_DIRECTORY, MS_BIND | MS_REC, `mounting ${NAMESPACE_DIRECTORY} on itself`);
    checked(share(), `sharing ${NAMESPACE_DIRECTORY}`, NEEDS_ROOT);
  } else {
    checked(result, `sharing ${NAMESPACE_DIRECTORY}`, NEEDS_ROOT);
  }
}
