/** Tracepoints as tracefs describes them. */
import { readdirSync, readFileSync, statfsSync } from "node:fs";
import { IovisorError, NotSupported } from "../errors.ts";
import { Descriptor } from "./sys/descriptor.ts";
import { errnoText } from "./sys/errno.ts";
import { syscall } from "./sys/native.ts";
import { cString } from "./system-error.ts";

const TRACEFS_MAGIC = 0x74726163;
const USUAL_PLACES = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/** The mount calls of Linux 5.2; their numbers are the same on all architectures (asm-generic/unistd.h). */
const MOUNT_CALL = { fsopen: 430, fsconfig: 431, fsmount: 432 } as const;
const FSOPEN_CLOEXEC = 1;
const FSMOUNT_CLOEXEC = 1;
const FSCONFIG_CMD_CREATE = 6;
const MOUNT_READ_ONLY = 1;

/**
 * Calls `body` with a directory that holds tracefs: where it is mounted, or else a mount that only this process has
 * and that is gone afterwards, so that the machine stays as it was.
 */
export function withTracefs<Result>(body: (directory: string) => Result): Result {
  const mounted = USUAL_PLACES.find(isTracefs);
  if (mounted) return body(mounted);
  using detached = mountDetached();
  return body(`/proc/self/fd/${detached.fd}`);
}

function isTracefs(path: string): boolean {
  try {
    return statfsSync(path).type === TRACEFS_MAGIC;
  } catch {
    return false;
  }
}

function mountDetached(): Descriptor {
  using context = new Descriptor(
    step(syscall(MOUNT_CALL.fsopen, cString("tracefs"), FSOPEN_CLOEXEC)),
    "tracefs being mounted",
  );
  step(syscall(MOUNT_CALL.fsconfig, context.fd, FSCONFIG_CMD_CREATE, 0, 0, 0));
  return new Descriptor(step(syscall(MOUNT_CALL.fsmount, context.fd, FSMOUNT_CLOEXEC, MOUNT_READ_ONLY)), "tracefs");
}

function step(result: number): number {
  if (result >= 0) return result;
  throw new NotSupported("tracefs", `tracefs is not mounted and cannot be: ${errnoText(result)}`, {
    remedy: "run as root, and mount it: mount -t tracefs tracefs /sys/kernel/tracing",
  });
}

function readEventFile(category: string, name: string, file: string): string {
  const plain = /^[A-Za-z0-9_-]+$/;
  return withTracefs((directory) => {
    try {
      if (plain.test(category) && plain.test(name)) {
        return readFileSync(`${directory}/events/${category}/${name}/${file}`, "utf8");
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    throw new IovisorError(
      "E_USAGE",
      `this kernel has no tracepoint ${category}/${name}`,
      closest(directory, category, name),
    );
  });
}

/** Names the tracepoints of the category, or the categories, so that a slip of the pen is found at once. */
function closest(directory: string, category: string, name: string): string {
  const list = (path: string) => {
    try {
      return readdirSync(path, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => entry.name);
    } catch {
      return [];
    }
  };
  const names = list(`${directory}/events/${category}`);
  if (names.length === 0) return `the categories are: ${list(`${directory}/events`).join(", ")}`;
  const common = (candidate: string) => [...candidate].findIndex((letter, at) => letter !== name[at]) >>> 0;
  const nearest = names.sort((a, b) => common(b) - common(a)).slice(0, 12);
  return `${category} has: ${nearest.join(", ")}${names.length > nearest.length ? ", ..." : ""}`;
}

/** The number of a tracepoint. Throws E_USAGE that names similar ones if there is none of that name. */
export function tracepointId(category: string, name: string): number {
  return Number(readEventFile(category, name, "id"));
}

/** The record layout of a tracepoint, in the kernel's own notation. */
export function tracepointFormat(category: string, name: string): string {
  return readEventFile(category, name, "format");
}
