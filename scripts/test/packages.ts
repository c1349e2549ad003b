import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Programs that tests use as witnesses and generators, with the Debian package of each. */
const tools: readonly { readonly program: string; readonly debian: string }[] = [
  { program: "ip", debian: "iproute2" },
  { program: "bpftool", debian: "bpftool" },
  { program: "tcpdump", debian: "tcpdump" },
  { program: "tcpreplay", debian: "tcpreplay" },
  { program: "iperf3", debian: "iperf3" },
  { program: "ethtool", debian: "ethtool" },
  { program: "strace", debian: "strace" },
  { program: "nft", debian: "nftables" },
  { program: "python3", debian: "python3" },
];

const installSeconds = 240;

/**
 * Installs the tools that are missing where that is possible: root, and apt. Elsewhere, and when apt fails, the tests
 * that need a tool say so in their skip reason.
 */
export function installTools(log: (line: string) => void): void {
  const missing = missingPackages();
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !onPath("apt-get")) {
    log(`not installed, some tests will be skipped: ${missing.join(", ")}`);
    return;
  }
  log(`installing with apt-get: ${missing.join(", ")}`);
  apt("update");
  // One unknown name (another distribution) makes apt refuse them all: then one after another.
  if (!apt("install", ...missing)) for (const name of missing) apt("install", name);
  const still = missingPackages();
  if (still.length > 0) log(`apt-get could not install: ${still.join(", ")}; some tests will be skipped`);
}

function missingPackages(): string[] {
  const packages = tools.filter(({ program }) => !onPath(program)).map(({ debian }) => debian);
  return hasScapy() ? packages : [...packages, "python3-scapy"];
}

function onPath(program: string): boolean {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function hasScapy(): boolean {
  const find = "import importlib.util, sys; sys.exit(importlib.util.find_spec('scapy') is None)";
  // Debian's packages are for Debian's interpreter, which need not be the first one on the path.
  return spawnSync("/usr/bin/python3", ["-c", find], { timeout: 10_000 }).status === 0;
}

function apt(command: "update" | "install", ...names: string[]): boolean {
  const options = ["-qq", "-y", "-o", "DPkg::Lock::Timeout=60", "-o", "Dpkg::Use-Pty=0"];
  const install = command === "install" ? ["--no-install-recommends"] : [];
  const { status } = spawnSync("apt-get", [...options, command, ...install, ...names], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    stdio: ["ignore", "ignore", "inherit"],
    timeout: installSeconds * 1000,
  });
  return status === 0;
}
