/** The BPF file system: where pinned objects keep living without a process. */
import { mkdirSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { IovisorError } from "../errors.ts";
import { objectGet, objectPin, zeroTerminated } from "./sys/bpf.ts";
import { errno } from "./sys/errno.ts";
import { syscall } from "./sys/native.ts";
import { NR } from "./sys/numbers.ts";
import { checked, SystemError, systemError } from "./system-error.ts";

/** The usual mount point; systemd and bpftool mount there too. */
export const DEFAULT_BPFFS = "/sys/fs/bpf";
const BPF_FS_MAGIC = 0xcafe4a11;
const MS_NOSUID = 2;
const MS_NODEV = 4;
const MS_NOEXEC = 8;

/** True if `path` exists and lies on a bpffs. */
export function isOnBpffs(path: string): boolean {
  try {
    return statfsSync(path).type === BPF_FS_MAGIC;
  } catch {
    return false;
  }
}

/** The mount points of all bpffs instances that this process sees. */
export function mountedBpffs(): string[] {
  return readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .filter((fields) => fields[2] === "bpf")
    .map((fields) => fields[1]!.replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8))));
}

/** Mounts a bpffs at `path` unless one is there. Returns the path. */
export function ensureBpffs(path: string = DEFAULT_BPFFS): string {
  if (isOnBpffs(path)) return path;
  const flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  const result = syscall(
    NR.mount,
    zeroTerminated("bpf"),
    zeroTerminated(path),
    zeroTerminated("bpf"),
    flags,
    zeroTerminated("mode=0700"),
  );
  checked(result, `mounting a bpffs at ${path}`, `run \`mount -t bpf bpf ${path}\` as root`);
  return path;
}

/** Pins the object behind `fd`; missing directories are made, and the usual bpffs is mounted when it is not. */
export function pinObject(fd: number, path: string, what: string): void {
  if (path.startsWith(`${DEFAULT_BPFFS}/`)) ensureBpffs();
  const directory = dirname(path);
  let existing = directory;
  while (existing !== "/" && !isOnBpffs(existing)) existing = dirname(existing);
  if (existing === "/") {
    throw new IovisorError(
      "E_USAGE",
      `${what} cannot be pinned at ${path}: that is not on a bpffs`,
      `pin under ${DEFAULT_BPFFS}, or mount one: mount -t bpf bpf DIRECTORY`,
    );
  }
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const result = objectPin(fd, path);
  if (result === -errno.EEXIST) {
    throw new SystemError("E_BUSY", `${path} exists already`, "remove that pin or choose another path", errno.EEXIST);
  }
  checked(result, `pinning ${what} at ${path}`);
}

/** Opens what is pinned at `path`; returns a descriptor that the caller owns. */
export function openPinned(path: string): number {
  const result = objectGet(path);
  if (result === -errno.ENOENT) {
    throw new SystemError(
      "E_USAGE",
      `nothing is pinned at ${path}`,
      "check the path with `bpftool -f map`",
      errno.ENOENT,
    );
  }
  if (result < 0) throw systemError(`opening the pin ${path}`, result);
  return result;
}

/** Removes a pin, or a directory of pins with all that is in it. Nothing happens if it is absent. */
export function unpin(path: string): void {
  if (!isOnBpffs(dirname(path))) return;
  rmSync(path, { recursive: true, force: true });
}
