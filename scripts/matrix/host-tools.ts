import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { IovisorError, NotSupported } from "../../src/errors.ts";

/** Programs that the matrix calls, with the Debian package of each. */
const tools = {
  "qemu-system-x86_64": "qemu-system-x86",
  busybox: "busybox-static",
  cpio: "cpio",
  mksquashfs: "squashfs-tools",
  modprobe: "kmod",
  xz: "xz-utils",
} as const;

const installSeconds = 240;
// Administration tools are not on every user's path.
const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];

/** Where a program is; undefined when it is nowhere on the path. */
export function findProgram(name: string): string | undefined {
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Makes sure that all tools are there; root gets the missing ones installed. @throws NotSupported that names them. */
export function requireTools(log: (line: string) => void): void {
  if (process.arch !== "x64" || !findProgram("apt-get")) {
    throw new NotSupported("kernel matrix", "the kernel matrix runs on x86-64 machines with apt (Debian, Ubuntu)", {
      remedy: "run it in a Debian container or virtual machine",
    });
  }
  const missing = missingPackages();
  if (missing.length === 0) return;
  const command = `apt-get install --no-install-recommends ${missing.join(" ")}`;
  if (process.getuid?.() === 0) {
    log(`installing ${missing.join(", ")}: the emulator for the guests, and what packs their disks`);
    aptInstall(missing);
  }
  const still = missingPackages();
  if (still.length === 0) return;
  throw new NotSupported("kernel matrix", `missing packages: ${still.join(", ")}`, { remedy: `as root: ${command}` });
}

function missingPackages(): string[] {
  const missing = Object.entries(tools).filter(([program]) => !findProgram(program));
  const packages: string[] = missing.map(([, debian]) => debian);
  // A busybox that needs libraries cannot be the first program of a guest.
  if (!packages.includes(tools.busybox) && librariesOf(findProgram("busybox")!).length > 0)
    packages.push(tools.busybox);
  return packages;
}

function aptInstall(packages: readonly string[]): void {
  const quiet = ["-qq", "-y", "-o", "DPkg::Lock::Timeout=60", "-o", "Dpkg::Use-Pty=0"];
  const options = {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    stdio: ["ignore", "ignore", "inherit"] as ("ignore" | "inherit")[],
    timeout: installSeconds * 1000,
  };
  const install = [...quiet, "install", "--no-install-recommends", ...packages];
  if (spawnSync("apt-get", install, options).status === 0) return;
  spawnSync("apt-get", [...quiet, "update"], options);
  spawnSync("apt-get", install, options);
}

/** Absolute paths of the shared libraries of a program and of its loader; none for a static one. */
export function librariesOf(program: string): string[] {
  const { stdout } = spawnSync("ldd", [program], { encoding: "utf8", timeout: 10_000 });
  const paths = (stdout ?? "").matchAll(/(?:=>\s+)?(?<path>\/[^\s(]+)\s+\(0x/g);
  return [...paths].map(({ groups }) => groups!["path"]!).filter((path) => existsSync(path));
}

/** Runs a command to its end and gives what it printed. @throws E_USAGE with its last words when it fails. */
export function runTool(
  name: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly seconds?: number; readonly input?: string } = {},
): string {
  const { cwd, seconds = 60, input } = options;
  const result = spawnSync(findProgram(name) ?? name, args, {
    encoding: "utf8",
    timeout: seconds * 1000,
    maxBuffer: 64 * 2 ** 20,
    ...(cwd === undefined ? {} : { cwd }),
    ...(input === undefined ? {} : { input }),
  });
  if (result.status === 0) return result.stdout;
  const why = result.error?.message ?? `${result.stderr}${result.stdout}`.trim().split("\n").slice(-5).join("\n");
  throw new IovisorError("E_USAGE", `${name} failed: ${why}`, `run it by hand: ${name} ${args.join(" ")}`);
}
