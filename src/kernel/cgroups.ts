/** Control groups of the unified hierarchy (cgroup2): targets of cgroup hooks. */
import { mkdirSync, openSync, readFileSync, rmdirSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { IovisorError, NotSupported } from "../errors.ts";
import { Descriptor } from "./sys/descriptor.ts";

const CGROUP2_MAGIC = 0x63677270;

/** Where cgroup2 is mounted: often /sys/fs/cgroup, beside the old hierarchies /sys/fs/cgroup/unified. */
export function cgroupRoot(): string {
  for (const line of readFileSync("/proc/self/mounts", "utf8").split("\n")) {
    const [, path, type] = line.split(" ");
    if (type === "cgroup2" && path) {
      return path.replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
    }
  }
  throw new NotSupported("cgroup2", "the unified control group hierarchy is not mounted", {
    remedy: "mount it: mount -t cgroup2 none /sys/fs/cgroup",
  });
}

/** An open control group. Closing it changes nothing in the system. */
export class Cgroup implements Disposable {
  /** The directory. */
  readonly path: string;
  /** The kernel's number of it: the directory's inode. */
  readonly id: bigint;
  readonly #descriptor: Descriptor;

  private constructor(path: string) {
    this.path = path;
    this.#descriptor = new Descriptor(openSync(path, "r"), `cgroup ${path}`);
    this.id = statSync(path, { bigint: true }).ino;
  }

  /** Opens a group by its directory, or by its path from the root of the hierarchy ("/web"). */
  static open(path: string): Cgroup {
    for (const candidate of [path, join(cgroupRoot(), path)]) {
      if (isCgroup(candidate)) return new Cgroup(candidate);
    }
    throw new IovisorError(
      "E_USAGE",
      `${path} is not a cgroup2 directory`,
      `give a directory under ${cgroupRoot()}, or the path from there`,
    );
  }

  /** Makes a group under the root of the hierarchy and opens it. Throws E_BUSY if it exists. */
  static create(path: string): Cgroup {
    const directory = join(cgroupRoot(), path);
    try {
      mkdirSync(directory);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EEXIST")
        throw new IovisorError("E_BUSY", `the cgroup ${directory} exists already`, "choose another name");
      if (code === "EACCES" || code === "EPERM") {
        throw new IovisorError("E_PERMISSION", `the cgroup ${directory} cannot be made`, "run as root");
      }
      throw error;
    }
    return new Cgroup(directory);
  }

  get fd(): number {
    return this.#descriptor.fd;
  }

  /** Moves a process into the group; its later children start there. */
  addProcess(pid: number): void {
    writeFileSync(join(this.path, "cgroup.procs"), String(pid));
  }

  /** The processes in the group. */
  processes(): number[] {
    return readFileSync(join(this.path, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
  }

  /** Removes the group, which must be empty, and closes it. The kernel detaches the programs on it. */
  remove(): void {
    this.close();
    rmdirSync(this.path);
  }

  close(): void {
    this.#descriptor.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function isCgroup(path: string): boolean {
  try {
    return statfsSync(path).type === CGROUP2_MAGIC && statSync(path).isDirectory();
  } catch {
    return false;
  }
}
