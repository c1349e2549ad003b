import { cpSync, mkdirSync, readdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { projectFiles, root } from "../test/project-files.ts";
import { findProgram, librariesOf, runTool } from "./host-tools.ts";

/** Programs that the tests call where they are installed; they skip without. */
const witnesses = ["ip", "tc", "bpftool", "ethtool", "tcpdump", "nft", "strace", "unshare"];
/** Packages that a guest does not need: other programs, and Node, which comes as /usr/bin/node. */
const leftOut = /^(@biomejs|node-linux-.*|\..*)$/;
const mountPoints = ["dev", "proc", "sys", "run", "tmp", "root", "job"];
const texts: Readonly<Record<string, string>> = {
  "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
  "etc/group": "root:x:0:\nnogroup:x:65534:\n",
  "etc/hosts": "127.0.0.1 localhost guest\n::1 localhost\n",
  "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
};

/** Packs the disk that all guests share: busybox, Node, the tests' tools, the project and its packages, the job. */
export function packDisk(job: string, work: string): string {
  const tree = join(work, "disk");
  for (const folder of [...mountPoints, "bin", "sbin", "usr/bin", "usr/sbin", "etc", "lib", "lib64"]) {
    mkdirSync(join(tree, folder), { recursive: true });
  }
  for (const [path, text] of Object.entries(texts)) writeFileSync(join(tree, path), text);
  addBusybox(tree);
  addProgram(process.execPath, "usr/bin/node", tree);
  for (const name of witnesses) {
    const program = findProgram(name);
    if (program) addProgram(program, `usr/sbin/${name}`, tree);
  }
  addProject(join(tree, "project"));
  cpSync(job, join(tree, "job"), { recursive: true });
  const image = join(work, "disk.squashfs");
  // Uncompressed: packing is quicker, and an emulated processor would take long to unpack.
  const plain = ["-noI", "-noD", "-noF", "-noX", "-no-xattrs", "-all-root"];
  runTool("mksquashfs", [tree, image, "-noappend", "-no-progress", "-quiet", ...plain], { seconds: 120 });
  return image;
}

function addBusybox(tree: string): void {
  const busybox = findProgram("busybox")!;
  copyFile(busybox, join(tree, "bin/busybox"));
  for (const applet of runTool(busybox, ["--list"]).split("\n")) {
    if (applet !== "" && applet !== "busybox") symlinkSync("busybox", join(tree, "bin", applet));
  }
}

/** A program and its shared libraries, each where the program's loader looks for it. */
function addProgram(program: string, path: string, tree: string): void {
  copyFile(program, join(tree, path));
  for (const library of librariesOf(program)) copyFile(library, join(tree, library));
}

function addProject(folder: string): void {
  for (const path of projectFiles()) copyFile(join(root, path), join(folder, path));
  const modules = join(root, "node_modules");
  for (const name of readdirSync(modules)) {
    if (leftOut.test(name)) continue;
    cpSync(join(modules, name), join(folder, "node_modules", name), { recursive: true });
  }
}

function copyFile(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(realpathSync(from), to, { preserveTimestamps: true });
}
