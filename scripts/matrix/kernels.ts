import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { NotSupported } from "../../src/errors.ts";
import { runTool } from "./host-tools.ts";
import { Apt, type KernelPackages } from "./packages.ts";

/** A kernel that was unpacked into the cache. */
export interface Kernel {
  /** As it was asked for: "6.12". */
  readonly series: string;
  /** What `uname -r` says. */
  readonly release: string;
  /** The image to boot. */
  readonly image: string;
  /** A folder that holds lib/modules/RELEASE: what `modprobe -d` wants. */
  readonly folder: string;
}

/**
 * The newest kernel of a series, from the cache or from Debian's archive. Without a network the newest one in the cache
 * serves.
 *
 * @throws NotSupported for a series that neither has
 */
export function obtainKernel(series: string, cache: string, log: (line: string) => void): Kernel {
  const kernels = join(cache, "kernels");
  mkdirSync(kernels, { recursive: true });
  const apt = new Apt(join(cache, "apt"));
  let packages: KernelPackages;
  try {
    apt.update();
    packages = apt.newest(series);
  } catch (cause) {
    const cached = newestCached(kernels, series);
    if (cached === undefined || cause instanceof NotSupported) throw cause;
    log(`the package lists could not be fetched; ${cached} from the cache serves`);
    return unpacked(kernels, series, cached);
  }
  if (!existsSync(join(kernels, packages.release))) {
    log(`downloading Linux ${packages.release}`);
    unpack(apt, packages, kernels);
  }
  return unpacked(kernels, series, packages.release);
}

function newestCached(kernels: string, series: string): string | undefined {
  return readdirSync(kernels)
    .filter((name) => name.startsWith(`${series}.`))
    .sort(new Intl.Collator("en", { numeric: true }).compare)
    .at(-1);
}

function unpacked(kernels: string, series: string, release: string): Kernel {
  const folder = join(kernels, release);
  return { series, release, image: join(folder, "vmlinuz"), folder };
}

/** Downloads and unpacks without installing; the finished folder appears at once. */
function unpack(apt: Apt, { release, names }: KernelPackages, kernels: string): void {
  const work = mkdtempSync(join(kernels, ".unpacking-"));
  try {
    apt.download(names, work);
    const tree = join(work, "tree");
    for (const file of readdirSync(work).filter((name) => name.endsWith(".deb"))) {
      runTool("dpkg-deb", ["-x", join(work, file), tree], { seconds: 120 });
    }
    const finished = join(work, "finished");
    mkdirSync(join(finished, "lib"), { recursive: true });
    const modules = firstOf([join(tree, "lib/modules"), join(tree, "usr/lib/modules")]);
    const image = firstOf([join(tree, `boot/vmlinuz-${release}`), join(modules, release, "vmlinuz")]);
    renameSync(image, join(finished, "vmlinuz"));
    renameSync(modules, join(finished, "lib/modules"));
    runTool("depmod", ["-b", finished, release], { seconds: 120 });
    renameSync(finished, join(kernels, release));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function firstOf(paths: readonly [string, ...string[]]): string {
  return paths.find((path) => existsSync(path)) ?? paths[0];
}
