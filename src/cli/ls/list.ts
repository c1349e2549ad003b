import { readdirSync } from "node:fs";
import { join } from "node:path";
import { IovisorError } from "../../errors.ts";
import { cgroupRoot } from "../../kernel/cgroups.ts";
import {
  type AttachedProgram,
  listCgroupAttachments,
  listDeviceAttachments,
  listTracepointAttachments,
} from "../../kernel/hooks.ts";
import { NetworkNamespace } from "../../kernel/namespaces.ts";
import type { LsArguments } from "../commands/ls.ts";
import { toJson } from "../json.ts";
import { formatTable } from "../table.ts";
import { linkOwners, type Owner } from "./owners.ts";

interface Listed extends AttachedProgram {
  /** Name of the network namespace; empty for the one of this process, and for what has none. */
  readonly netns: string;
  readonly owner: Owner | undefined;
}

/** `iovisor ls`. */
export function listAttachments({ netns, output }: LsArguments): void {
  const found = netns.length > 0 ? netns.flatMap(inNamespace) : everywhere();
  const owners = linkOwners();
  const listed = found.map((one): Listed => {
    return { ...one, owner: one.linkId === undefined ? undefined : owners.get(one.linkId) };
  });
  if (output === "json") {
    for (const one of listed) process.stdout.write(`${toJson(one)}\n`);
  } else if (listed.length === 0) {
    process.stdout.write("no program is attached\n");
  } else {
    process.stdout.write(`${render(listed)}\n`);
  }
}

type Found = Omit<Listed, "owner">;

function everywhere(): Found[] {
  return [
    ...listDeviceAttachments().map((one) => ({ ...one, netns: "" })),
    ...otherNamespaces().flatMap(inNamespace),
    ...controlGroups().flatMap((path) => controlGroup(path)),
    ...listTracepointAttachments().map((one) => ({ ...one, netns: "" })),
  ];
}

function inNamespace(name: string): Found[] {
  using namespace = NetworkNamespace.open(name);
  return listDeviceAttachments(namespace).map((one) => ({ ...one, netns: name }));
}

/** Named namespaces other than our own; one that goes meanwhile, or a stale name, is no reason to fail. */
function otherNamespaces(): string[] {
  using own = NetworkNamespace.current();
  return NetworkNamespace.list().filter((name) => {
    try {
      using namespace = NetworkNamespace.open(name);
      return namespace.inode !== own.inode && namespace.run(() => true);
    } catch {
      return false;
    }
  });
}

/** Machines with many containers have thousands of groups; each costs a dozen calls. */
const mostGroups = 2000;

function controlGroups(): string[] {
  let root: string;
  try {
    root = cgroupRoot();
  } catch (error) {
    if (error instanceof IovisorError) return [];
    throw error;
  }
  const found = [root];
  for (let index = 0; index < found.length && found.length < mostGroups; index++) {
    found.push(...subfolders(found[index]!));
  }
  return found.slice(0, mostGroups);
}

function subfolders(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
  } catch {
    return []; // it went meanwhile
  }
}

function controlGroup(path: string): Found[] {
  try {
    return listCgroupAttachments(path).map((one) => ({ ...one, netns: "" }));
  } catch (error) {
    if (error instanceof IovisorError && error.code === "E_USAGE") return []; // it went meanwhile
    throw error;
  }
}

function render(listed: readonly Listed[]): string {
  const columns = ["HOOK", "TARGET", "NETNS", "PROGRAM", "LINK", "OWNER", "NOTE"].map((title) => ({ title }));
  return formatTable(
    columns,
    listed.map(({ hook, target, netns, programId, programName, linkId, owner, note }) => [
      hook,
      target,
      netns || "-",
      programName === "" ? String(programId) : `${programId} ${programName}`,
      linkId === undefined ? "-" : String(linkId),
      owner ? `${owner.pid} ${owner.command}` : "-",
      note,
    ]),
  );
}
