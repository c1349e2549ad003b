/** Namespaces as devices tell them: by an id that only the namespace of the device knows. */
import { readdirSync, statSync } from "node:fs";
import { NetworkNamespace } from "../namespaces.ts";
import { AF, RTM } from "./constants.ts";
import { Attributes, concat, u32Attribute } from "./message.ts";
import type { NetlinkSocket } from "./socket.ts";

/** Of RTM_GETNSID (include/uapi/linux/net_namespace.h). */
const NETNSA = { id: 1, fd: 3 } as const;
/** struct rtgenmsg, with its padding. */
const HEADER_SIZE = 4;

/**
 * Opens the namespace that the socket's own knows by an id. The kernel tells the id of a namespace, not the other way
 * round: all that have a name or a process are asked about. Undefined when it is none of these.
 */
export function openNamespaceOfId(socket: NetlinkSocket, id: number): NetworkNamespace | undefined {
  const seen = new Set<bigint>();
  for (const candidate of candidates(seen)) {
    if (!seen.has(candidate.inode) && idOf(socket, candidate) === id) return candidate;
    seen.add(candidate.inode);
    candidate.close();
  }
  return undefined;
}

function idOf(socket: NetlinkSocket, namespace: NetworkNamespace): number | undefined {
  const payload = concat([Uint8Array.of(AF.unspecified, 0, 0, 0), u32Attribute(NETNSA.fd, namespace.fd)]);
  const [answer] = socket.request("asking for a namespace's id", RTM.getNamespaceId, 0, payload);
  return answer && new Attributes(answer.payload, HEADER_SIZE).u32(NETNSA.id);
}

function* candidates(seen: ReadonlySet<bigint>): Generator<NetworkNamespace> {
  for (const name of NetworkNamespace.list()) yield* opened(() => NetworkNamespace.open(name));
  for (const process of readdirSync("/proc")) {
    if (!/^\d+$/.test(process)) continue;
    // Most processes are in a namespace that was asked about: that is seen without opening it.
    const inode = inodeOf(`/proc/${process}/ns/net`);
    if (inode === undefined || seen.has(inode)) continue;
    yield* opened(() => NetworkNamespace.ofProcess(Number(process)));
  }
}

/** Undefined for a process that ended, or that may not be looked into. */
function inodeOf(path: string): bigint | undefined {
  try {
    return statSync(path, { bigint: true }).ino;
  } catch {
    return undefined;
  }
}

/** What went away in the meantime is left out. */
function* opened(open: () => NetworkNamespace): Generator<NetworkNamespace> {
  try {
    yield open();
  } catch {
    return;
  }
}
