import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** A process that holds a BPF link. */
export interface Owner {
  readonly pid: number;
  /** Its command line, shortened. */
  readonly command: string;
}

const longestCommand = 60;

/** Processes by the ids of the links that they hold. Processes that may not be looked into are left out. */
export function linkOwners(): ReadonlyMap<number, Owner> {
  const owners = new Map<number, Owner>();
  for (const pid of entries("/proc").filter((name) => /^\d+$/.test(name))) {
    for (const descriptor of entries(`/proc/${pid}/fd`)) {
      const id = linkId(`/proc/${pid}`, descriptor);
      if (id !== undefined) owners.set(id, { pid: Number(pid), command: commandOf(pid) });
    }
  }
  return owners;
}

function linkId(process: string, descriptor: string): number | undefined {
  try {
    // "anon_inode:bpf_link", later "anon_inode:[bpf_link]" (kernel/bpf/syscall.c, bpf_link_new_fd).
    if (!readlinkSync(`${process}/fd/${descriptor}`).includes("bpf_link")) return undefined;
    const found = /^link_id:\s*(\d+)/m.exec(readFileSync(`${process}/fdinfo/${descriptor}`, "utf8"));
    return found ? Number(found[1]) : undefined;
  } catch {
    return undefined; // it was closed meanwhile
  }
}

function commandOf(pid: string): string {
  try {
    const text = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    return text.length > longestCommand ? `${text.slice(0, longestCommand - 3)}...` : text;
  } catch {
    return "";
  }
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
