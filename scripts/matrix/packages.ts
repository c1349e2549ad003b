/**
 * Debian's kernel packages, fetched beside the system: apt gets source list, package lists and cache of our own, so
 * that neither the system's sources nor its packages change. apt checks signatures and hashes.
 */
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { NotSupported } from "../../src/errors.ts";
import { runTool } from "./host-tools.ts";

/** Suites that carry the kernels which the matrix knows, newest versions included. */
const suites = ["bookworm-security", "bookworm-backports", "trixie-security", "trixie-backports"];
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
const defaultMirrors = {
  main: "http://deb.debian.org/debian",
  security: "http://deb.debian.org/debian-security",
} as const;
const freshSeconds = 6 * 3600;

/** The flavour for virtual machines: small, and all that a guest needs is in it. */
const flavour = "cloud-amd64";

export interface KernelPackages {
  /** What `uname -r` will say. */
  readonly release: string;
  readonly names: readonly string[];
}

export class Apt {
  readonly #folder: string;
  readonly #options: readonly string[];

  constructor(folder: string) {
    this.#folder = folder;
    for (const name of ["lists/partial", "cache/archives/partial"]) mkdirSync(join(folder, name), { recursive: true });
    const settings = {
      "Dir::Etc::sourcelist": join(folder, "sources.list"),
      "Dir::Etc::sourceparts": "/dev/null",
      "Dir::State::lists": join(folder, "lists"),
      "Dir::Cache": join(folder, "cache"),
      // apt's own user cannot write to this folder.
      "APT::Sandbox::User": "root",
      "Acquire::Retries": "2",
      "Acquire::http::Timeout": "30",
    };
    this.#options = Object.entries(settings).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
  }

  /** Fetches the package lists unless they were fetched a short while ago. */
  update(): void {
    const stamp = join(this.#folder, "updated");
    const age = Date.now() - (statSync(stamp, { throwIfNoEntry: false })?.mtimeMs ?? 0);
    if (age < freshSeconds * 1000) return;
    writeFileSync(join(this.#folder, "sources.list"), sourceList());
    runTool("apt-get", [...this.#options, "-qq", "--error-on=any", "update"], { seconds: 120 });
    writeFileSync(stamp, "");
  }

  /** The packages of the newest kernel of a series such as "6.12". @throws NotSupported when there is none. */
  newest(series: string): KernelPackages {
    const listed = runTool("apt-cache", [...this.#options, "pkgnames", "linux-"]).split("\n");
    const image = newestImage(listed, series);
    if (image === undefined) {
      throw new NotSupported(`Linux ${series}`, `Debian has no kernel ${series} for guests in ${suites.join(", ")}`, {
        remedy: "choose another series with --kernels",
      });
    }
    const release = image.slice("linux-image-".length);
    // From 6.19 on the image is an empty package that stands for up to three others.
    const parts = ["binary", "modules", "base"].map((part) => `linux-${part}-${release}`);
    return { release, names: [image, ...parts.filter((name) => listed.includes(name))] };
  }

  /** Downloads packages into a folder. */
  download(names: readonly string[], folder: string): void {
    runTool("apt-get", [...this.#options, "-qq", "download", ...names], { cwd: folder, seconds: 300 });
  }
}

/** The system's own mirrors, with the suites that we need. */
function sourceList(): string {
  const format = "$(ORIGIN) $(RELEASE) $(SITE)";
  const known = runTool("apt-get", ["indextargets", "--format", format, "Created-By: Packages"]).split("\n");
  const mirror = (kind: keyof typeof defaultMirrors): string => {
    const fitting = known
      .map((line) => line.split(" "))
      .filter(([origin, release]) => origin === "Debian" && release?.endsWith("-security") === (kind === "security"));
    return fitting[0]?.[2] ?? defaultMirrors[kind];
  };
  const lines = suites.map((suite) => {
    const site = mirror(suite.endsWith("-security") ? "security" : "main");
    return `deb [arch=amd64 signed-by=${keyring}] ${site} ${suite} main\n`;
  });
  return lines.join("");
}

/** The name of the newest image of a series among names of packages. */
export function newestImage(names: readonly string[], series: string): string | undefined {
  const [start, end] = ["linux-image-", `-${flavour}`];
  const releases = names
    .filter((name) => name.startsWith(`${start}${series}.`) && name.endsWith(end))
    .map((name) => name.slice(start.length, -end.length));
  const newest = releases.sort(byNumbers).at(-1);
  return newest === undefined ? undefined : start + newest + end;
}

function byNumbers(a: string, b: string): number {
  const [left, right] = [a, b].map((name) => (name.match(/\d+/g) ?? []).map(Number)) as [number[], number[]];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] ?? -1) - (right[index] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}
