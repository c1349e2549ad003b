import { existsSync, readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Where things of ours outlive the process that made them: pins, network namespaces, network devices, cgroups. All that
 * a test makes there is named `iov`, then its process id, then whatever it likes.
 */
const places = ["/sys/fs/bpf", "/run/netns", "/sys/class/net", "/sys/fs/cgroup"];
const ours = /^iov(?<pid>\d*)/;

/** The kernel destroys namespaces and their devices a little after their last user is gone (net/core, cleanup_net). */
const graceSeconds = 2;

/** The full paths of everything with our prefix that exists at this moment. */
export function ownObjects(): Set<string> {
  return new Set(places.flatMap((place) => entries(place).map((name) => `${place}/${name}`)));
}

function entries(place: string): string[] {
  try {
    return readdirSync(place).filter((name) => ours.test(name));
  } catch {
    return []; // not mounted, or not ours to read: then nothing of ours can be there either
  }
}

/** What came into being since `before` and has no living process that it could belong to. */
export async function leakedSince(before: ReadonlySet<string>): Promise<string[]> {
  const leaked = (): string[] => [...ownObjects()].filter((path) => !before.has(path) && !ownerLives(path));
  const deadline = performance.now() + graceSeconds * 1000;
  while (leaked().length > 0 && performance.now() < deadline) await sleep(50);
  return leaked();
}

/** True when the process whose id is in the name lives: then the thing belongs to another run beside this one. */
function ownerLives(path: string): boolean {
  const pid = ours.exec(path.slice(path.lastIndexOf("/") + 1))?.groups?.["pid"];
  return pid !== undefined && pid !== "" && existsSync(`/proc/${pid}`);
}
