import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { NotSupported } from "../../src/errors.ts";
import { findProgram, runTool } from "./host-tools.ts";
import type { Kernel } from "./kernels.ts";

/** Without these a guest does not come up. */
const needed = ["virtio_pci", "virtio_blk", "squashfs", "overlay"];
/** What tests and probes use; the kernel would ask modprobe for them, which a guest does not have. */
const useful = [
  ...["veth", "dummy", "bridge", "8021q", "vxlan", "macvlan", "ifb", "tun", "netkit", "vrf"],
  ...["sch_ingress", "cls_bpf", "act_bpf", "sch_fq_codel", "nf_tables", "nf_conntrack", "nf_defrag_ipv4"],
];

/**
 * Packs the first file system of a guest: busybox, modules in the order in which they are to be loaded, and the script
 * that mounts the disk and goes on there.
 */
export function packInitramfs(kernel: Kernel, work: string): string {
  const tree = join(work, `initramfs-${kernel.series}`);
  for (const folder of ["bin", "modules", "dev", "proc", "sys", "lower", "upper", "merged"]) {
    mkdirSync(join(tree, folder), { recursive: true });
  }
  copyFileSync(findProgram("busybox")!, join(tree, "bin/busybox"));
  copyFileSync(join(import.meta.dirname, "guest/init.sh"), join(tree, "init"));
  runTool("chmod", ["755", join(tree, "init"), join(tree, "bin/busybox")]);
  copyModules(kernel, join(tree, "modules"));
  const files = readdirSync(tree, { recursive: true, encoding: "utf8" });
  const archive = join(work, `initramfs-${kernel.series}.cpio`);
  const options = ["-o", "-H", "newc", "--quiet", "-R", "0:0", "-F", archive];
  runTool("cpio", options, { cwd: tree, input: `${[".", ...files].join("\n")}\n` });
  return archive;
}

function copyModules(kernel: Kernel, folder: string): void {
  const files = new Set([
    ...needed.flatMap((name) => required(kernel, name)),
    ...useful.flatMap((name) => dependencies(kernel, name) ?? []),
  ]);
  const names = [...files].map((file) => {
    const copy = join(folder, basename(file));
    copyFileSync(file, copy);
    if (!file.endsWith(".xz")) return basename(file);
    runTool("xz", ["-d", copy]);
    return basename(file, ".xz");
  });
  writeFileSync(join(folder, "order"), `${names.join("\n")}\n`);
}

function required(kernel: Kernel, name: string): string[] {
  const files = dependencies(kernel, name);
  if (files) return files;
  throw new NotSupported(name, `Linux ${kernel.release} has no module ${name}, without which no guest starts`, {
    remedy: `remove ${kernel.folder} and try again: it is unpacked anew`,
  });
}

/** Files of a module and of what it needs, in the order of loading; none for what the kernel has built in. */
function dependencies({ folder, release }: Kernel, name: string): string[] | undefined {
  try {
    const lines = runTool("modprobe", ["-d", folder, "-S", release, "--show-depends", name]).split("\n");
    const files = lines.map((line) => /^insmod (?<file>\S+)/.exec(line)?.groups?.["file"]);
    return files.filter((file) => file !== undefined && existsSync(file)) as string[];
  } catch {
    return undefined; // this kernel has no such module: what needs it says so in the guest
  }
}
