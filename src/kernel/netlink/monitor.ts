/** Changes of devices, addresses, neighbours and routes as they happen, on the event loop. */
import type { NetworkNamespace } from "../namespaces.ts";
import { pollReadable } from "../sys/native.ts";
import { decodeAddress, type InterfaceAddress } from "./addresses.ts";
import { AF, NETLINK_ROUTE, RTM, RTNLGRP } from "./constants.ts";
import { decodeLink, type Link } from "./links.ts";
import type { NetlinkMessage } from "./message.ts";
import { decodeNeighbour, type Neighbour } from "./neighbours.ts";
import { decodeRoute, type Route } from "./routes.ts";
import { NetlinkSocket } from "./socket.ts";

/** Room for some ten thousand events while the event loop is busy. */
const RECEIVE_BUFFER = 8 << 20;

const groups = {
  link: [RTNLGRP.link],
  address: [RTNLGRP.ipv4Address, RTNLGRP.ipv6Address],
  neighbour: [RTNLGRP.neighbour],
  route: [RTNLGRP.ipv4Route, RTNLGRP.ipv6Route],
} as const;

/** What can be watched. */
export type MonitorTopic = keyof typeof groups;

/** One change. After "overrun", events were lost: read the tables anew. */
export type NetworkEvent =
  | { readonly kind: "link"; readonly change: "set" | "removed"; readonly link: Link }
  | { readonly kind: "address"; readonly change: "set" | "removed"; readonly address: InterfaceAddress }
  | { readonly kind: "neighbour"; readonly change: "set" | "removed"; readonly neighbour: Neighbour }
  | { readonly kind: "route"; readonly change: "set" | "removed"; readonly route: Route }
  | { readonly kind: "overrun" };

/**
 * Watches one namespace from construction to `close()`. Iterate over it with `for await`: what happened since the
 * construction is kept until it is read, and the iteration ends at `close()`. One consumer at a time.
 */
export class NetworkMonitor implements AsyncIterable<NetworkEvent>, Disposable {
  readonly #socket: NetlinkSocket;
  readonly #poll: ReturnType<typeof pollReadable>;
  readonly #queue: NetworkEvent[] = [];
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(options: { readonly topics?: readonly MonitorTopic[]; readonly namespace?: NetworkNamespace } = {}) {
    this.#socket = new NetlinkSocket(NETLINK_ROUTE, options.namespace);
    this.#socket.setReceiveBuffer(RECEIVE_BUFFER);
    const topics = options.topics ?? (Object.keys(groups) as MonitorTopic[]);
    for (const group of topics.flatMap((topic) => groups[topic])) this.#socket.join(group);
    this.#poll = pollReadable(this.#socket.fd, () => this.#drain());
  }

  /** Lets the process end although the monitor is open. */
  unref(): void {
    this.#poll.unref();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#poll.close();
    this.#socket.close();
    this.#wake?.();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<NetworkEvent, void, void> {
    while (!this.#closed) {
      const event = this.#queue.shift();
      if (event) {
        yield event;
        continue;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #drain(): void {
    for (let received = this.#socket.poll(); received; received = this.#socket.poll()) {
      if (received.kind === "overrun") this.#queue.push({ kind: "overrun" });
      else this.#queue.push(...received.messages.map(decodeEvent).filter((event) => event !== undefined));
    }
    this.#wake?.();
  }
}

function decodeEvent(message: NetlinkMessage): NetworkEvent | undefined {
  switch (message.type) {
    case RTM.newLink:
    case RTM.delLink:
      // A bridge reports its ports under its own family: "removed" there means left the bridge.
      if (message.payload[0] !== AF.unspecified) return undefined;
      return { kind: "link", change: message.type === RTM.newLink ? "set" : "removed", link: decodeLink(message) };
    case RTM.newAddress:
    case RTM.delAddress: {
      const address = decodeAddress(message);
      return address && { kind: "address", change: message.type === RTM.newAddress ? "set" : "removed", address };
    }
    case RTM.newNeighbour:
    case RTM.delNeighbour: {
      const neighbour = decodeNeighbour(message);
      return (
        neighbour && { kind: "neighbour", change: message.type === RTM.newNeighbour ? "set" : "removed", neighbour }
      );
    }
    case RTM.newRoute:
    case RTM.delRoute: {
      const route = decodeRoute(message);
      return route && { kind: "route", change: message.type === RTM.newRoute ? "set" : "removed", route };
    }
    default:
      return undefined;
  }
}
