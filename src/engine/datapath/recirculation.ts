import { createHash } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { IovisorError } from "../../errors.ts";
import { createVethPair, findDevice } from "../../kernel/devices.ts";
import { type Attachment, adopt, attach } from "../../kernel/hooks.ts";
import { inside, NetworkNamespace } from "../../kernel/namespaces.ts";
import { deleteLink } from "../../kernel/netlink/change-link.ts";
import { NETLINK_ROUTE } from "../../kernel/netlink/constants.ts";
import { findLink, listLinks } from "../../kernel/netlink/links.ts";
import { NetlinkSocket } from "../../kernel/netlink/socket.ts";
import { PacketSocket } from "../../kernel/packet-socket.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import type { DataPath } from "./data-path.ts";
import { compileComposed, loadComposed } from "./load-composed.ts";
import { recirculationModule, recirculationTag } from "./recirculation-program.ts";

/** The longest frames that XDP on veth takes whole (drivers/net/veth.c, veth_xdp_set), and the longest there are. */
const mtus: Readonly<Record<PipelineHook, number>> = { xdp: 3400, tcx: 65521 };

/** Where a hidden pair is, and for what. */
export interface PairPlace {
  readonly hook: PipelineHook;
  /** A namespace under /run/netns; absent for the visor's own. */
  readonly netns?: string;
  /** At XDP: the entry that copies of flooded frames go on at which are sent into it. Absent: none go there. */
  readonly entry?: number;
}

/**
 * A hidden pair of devices in one namespace, for one kind of programs: what is sent into its one end goes on in the
 * graph at the other one. Flooded packets take it to reach further functions, and frames that host sides make.
 */
export class Recirculation implements Disposable {
  /** The index of the end that frames are sent into. */
  readonly ifindex: number;
  readonly #names: readonly [string, string];
  readonly #namespace: NetworkNamespace | undefined;
  readonly #attachment: Attachment;
  #socket: PacketSocket | undefined;

  /** Adopts the pair of that name and place, or makes it. */
  constructor(dataPath: DataPath, name: string, place: PairPlace) {
    const { hook, netns } = place;
    this.#namespace = netns === undefined ? undefined : NetworkNamespace.open(netns);
    this.#names = pairNames(name, place);
    using undo = new DisposableStack();
    undo.defer(() => this.#namespace?.close());
    if (!this.#exists()) {
      makePair(hook, this.#names, this.#namespace);
      undo.defer(() => this.#deletePair());
    }
    this.ifindex = findDevice(this.#names[0], this.#namespace).index;
    const pin = pairPin(place);
    this.#attachment = this.#adopt(dataPath, pin, hook) ?? this.#attach(dataPath, pin, hook);
    undo.move();
  }

  /** Lets a frame go on at an entry, in a generation of that parity. */
  send(entry: number, parity: number, frame: Uint8Array): boolean {
    const tagged = new Uint8Array(frame.length + 4);
    tagged.set(frame.subarray(0, 12));
    const view = new DataView(tagged.buffer);
    view.setUint16(12, 0x8100);
    view.setUint16(14, recirculationTag(entry, parity));
    tagged.set(frame.subarray(12), 16);
    this.#socket ??= new PacketSocket(this.#names[0], this.#namespace);
    return this.#socket.send(tagged);
  }

  #exists(): boolean {
    using netlink = new NetlinkSocket(NETLINK_ROUTE, this.#namespace);
    return findLink(netlink, this.#names[0]) !== undefined;
  }

  #spec(hook: PipelineHook) {
    return { hook: hook === "xdp" ? ("xdp" as const) : ("tcx-ingress" as const), device: this.#names[1] };
  }

  #adopt(dataPath: DataPath, pin: string, hook: PipelineHook): Attachment | undefined {
    const path = dataPath.pins.link(pin);
    if (!dataPath.pins.exists(path)) return undefined;
    try {
      return adopt(path, this.#spec(hook), { namespace: this.#namespace });
    } catch {
      // The pair was made anew: what is pinned ended with the old one.
      dataPath.pins.remove(path);
      return undefined;
    }
  }

  #attach(dataPath: DataPath, pin: string, hook: PipelineHook): Attachment {
    const compiled = compileComposed(recirculationModule(hook, dataPath.sizes), hook);
    using program = loadComposed(compiled, dataPath.named(hook));
    const attachment = attach(program, this.#spec(hook), { namespace: this.#namespace });
    try {
      attachment.pin(dataPath.pins.link(pin));
    } catch (error) {
      attachment.detach();
      throw error;
    }
    return attachment;
  }

  #deletePair(): void {
    using netlink = new NetlinkSocket(NETLINK_ROUTE, this.#namespace);
    if (findLink(netlink, this.#names[0])) deleteLink(netlink, this.#names[0]);
  }

  /** Takes the pair away. */
  remove(): void {
    this.#attachment.detach();
    this.#deletePair();
    this[Symbol.dispose]();
  }

  /** Leaves the pair at work. */
  [Symbol.dispose](): void {
    this.#socket?.close();
    this.#attachment.close();
    this.#namespace?.close();
  }
}

/** What names of pinned links begin with that are those of hidden pairs. */
export const pairPinPrefix = "recirculation-";

function pairPin({ hook, netns, entry }: PairPlace): string {
  return `${pairPinPrefix}${hook}-${netns ?? ""}${entry === undefined ? "" : `-${entry}`}`;
}

/** Takes pairs away that a process before made in a namespace, if it did; what is attached goes with them. */
export function removePairs(
  dataPath: DataPath,
  name: string,
  netns: string | undefined,
  places: readonly PairPlace[],
): void {
  const pinned = new Set(dataPath.pinnedLinks());
  const pins = places.map(pairPin).filter((pin) => pinned.has(pin));
  for (const pin of pins) dataPath.pins.remove(dataPath.pins.link(pin));
  try {
    using namespace = netns === undefined ? undefined : NetworkNamespace.open(netns);
    using netlink = new NetlinkSocket(NETLINK_ROUTE, namespace);
    const there = new Set(listLinks(netlink).flatMap((link) => (pairEnd.test(link.name) ? [link.name] : [])));
    // Most machines have none: then a thousand names need not be worked out.
    const ends = there.size === 0 ? [] : places.map((place) => pairNames(name, place)[0]);
    for (const end of ends) if (there.has(end)) deleteLink(netlink, end);
  } catch (error) {
    // A namespace that goes takes its devices along. A file in the folder may also be a name without a namespace.
    if (!(error instanceof IovisorError)) throw error;
  }
}

/** Names of the ends that frames are sent into. */
const pairEnd = /^iov[0-9a-f]{7}[xt]a$/;

/** Unlike for each data path: names of devices are short. */
function pairNames(name: string, { hook, entry }: PairPlace): readonly [string, string] {
  const digest = digestOf(entry === undefined ? name : `${name} ${entry}`).slice(0, 7);
  return [`iov${digest}${hook[0]}a`, `iov${digest}${hook[0]}b`];
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/**
 * Indices far from those that the kernel gives out. A broadcast leaves out the device that the frame came in on by its
 * index alone (is_ifindex_excluded in kernel/bpf/devmap.c), though that one is in another namespace: a pair with the
 * same index would get no copies.
 */
function pairIndices(names: readonly [string, string]): readonly [number, number] {
  const first = 2 ** 29 + 2 * Number.parseInt(digestOf(names[0]).slice(0, 7), 16);
  return [first, first + 1];
}

function makePair(hook: PipelineHook, names: readonly [string, string], namespace: NetworkNamespace | undefined): void {
  const indices = pairIndices(names);
  const end = (side: 0 | 1) => {
    return { name: names[side], index: indices[side], mtu: mtus[hook], ...(namespace ? { namespace } : {}) };
  };
  createVethPair(end(0), end(1));
  // The kernel would send solicitations of its own accord. /proc/sys/net is that of the thread's namespace.
  inside(namespace, () => {
    for (const name of names) {
      const path = `/proc/sys/net/ipv6/conf/${name}/disable_ipv6`;
      if (existsSync(path)) writeFileSync(path, "1");
    }
  });
}
