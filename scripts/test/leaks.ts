import { existsSync, readdirSync } from "node:fs";
import { basename, dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const dataPaths = "/sys/fs/bpf/iovisor";

/**
 * Where things of ours outlive the process that made them: pins, network namespaces, network devices, cgroups. All that
 * a test makes there is named `iov`, then its process id, then whatever it likes. Data paths are pinned in a folder of
 * their own: all in there is ours, and a word may stand before the process id.
 */
const places: Readonly<Record<string, RegExp>> = {
  "/sys/fs/bpf": /^iov(?!isor$)(?<pid>\d*)/,
  [dataPaths]: /^(iov[a-z]*(?<pid>\d*))?/,
  "/run/netns": /^iov(?<pid>\d*)/,
  "/sys/class/net": /^iov(?<pid>\d*)/,
  "/sys/fs/cgroup": /^iov(?<pid>\d*)/,
};

/** The kernel destroys namespaces and their devices a little after their last user is gone (net/core, cleanup_net). */
const graceSeconds = 2;

/** The full paths of everything with our prefix that exists at this moment. */
export function ownObjects(): Set<string> {
  return new Set(Object.keys(places).flatMap((place) => entries(place).map((name) => `${place}/${name}`)));
}

function entries(place: string): string[] {
  try {
    return readdirSync(place).filter((name) => places[place]!.test(name));
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
  const pid = places[dirname(path)]!.exec(basename(path))?.groups?.["pid"];
  return pid !== undefined && pid !== "" && existsSync(`/proc/${pid}`);
}
