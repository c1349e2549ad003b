/** Namespaces as devices tell them: by an id that only the namespace of the device knows. */
import { readdirSync, statSync } from "node:fs";
import { NetworkNamespace } from "../namespaces.ts";
import { errno } from "../sys/errno.ts";
import { hasErrno } from "../system-error.ts";
import { AF, RTM } from "./constants.ts";
import { Attributes, concat, u32Attribute } from "./message.ts";
import type { NetlinkSocket } from "./socket.ts";

/** Of RTM_GETNSID (include/uapi/linux/net_namespace.h). */
const NETNSA = { id: 1, fd: 3 } as const;
/** struct rtgenmsg, with its padding. */
const HEADER_SIZE = 4;

/**
 * The namespaces that the socket's own knows by ids. The kernel tells the id of a namespace, not the other way round:
 * those that have a name or a process are asked about, each once, as far as is needed for what is looked for.
 */
export class NamespaceIds implements Disposable {
  readonly #socket: NetlinkSocket;
  readonly #seen = new Set<bigint>();
  readonly #candidates = candidates(this.#seen);
  readonly #byId = new Map<number, NetworkNamespace>();

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  /** It stays open until this is disposed of. Undefined when nothing names it. */
  find(id: number): NetworkNamespace | undefined {
    while (!this.#byId.has(id)) {
      const { value: candidate } = this.#candidates.next();
      if (!candidate) return undefined;
      this.#keep(candidate);
    }
    return this.#byId.get(id);
  }

  #keep(candidate: NetworkNamespace): void {
    using unused = new DisposableStack();
    unused.use(candidate);
    const id = this.#seen.has(candidate.inode) ? undefined : idOf(this.#socket, candidate);
    this.#seen.add(candidate.inode);
    if (id === undefined) return;
    this.#byId.set(id, candidate);
    unused.move();
  }

  [Symbol.dispose](): void {
    for (const namespace of this.#byId.values()) namespace.close();
    this.#byId.clear();
  }
}

/** RTM_GETNSID's answer for a namespace that the socket's own has no id for (NETNSA_NSID_NOT_ASSIGNED, -1). */
const notAssigned = 0xffff_ffff;

function idOf(socket: NetlinkSocket, namespace: NetworkNamespace): number | undefined {
  const payload = concat([Uint8Array.of(AF.unspecified, 0, 0, 0), u32Attribute(NETNSA.fd, namespace.fd)]);
  try {
    const [answer] = socket.request("asking for a namespace's id", RTM.getNamespaceId, 0, payload);
    const id = answer && new Attributes(answer.payload, HEADER_SIZE).u32(NETNSA.id);
    return id === notAssigned ? undefined : id;
  } catch (error) {
    // A file in the folder of names that is no namespace yet, or no more ("Peer netns reference is invalid").
    if (hasErrno(error, errno.EINVAL)) return undefined;
    throw error;
  }
}

function* candidates(seen: ReadonlySet<bigint>): Generator<NetworkNamespace, undefined> {
  for (const name of NetworkNamespace.list()) yield* opened(() => NetworkNamespace.open(name));
  for (const process of readdirSync("/proc")) {
    if (!/^\d+$/.test(process)) continue;
    // Most processes are in a namespace that was asked about: that is seen without opening it.
    const inode = inodeOf(`/proc/${process}/ns/net`);
    if (inode === undefined || seen.has(inode)) continue;
    yield* opened(() => NetworkNamespace.ofProcess(Number(process)));
  }
  return undefined;
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
