/** Devices made ready for use: veth pairs with addresses, and waiting until frames can flow. */
import { IovisorError } from "../errors.ts";
import type { NetworkNamespace } from "./namespaces.ts";
import { addAddress } from "./netlink/addresses.ts";
import { changeLink } from "./netlink/change-link.ts";
import { NETLINK_ROUTE } from "./netlink/constants.ts";
import { createLink, type LinkOptions } from "./netlink/create-link.ts";
import { bytesToIp, ipToBytes, parsePrefix } from "./netlink/ip.ts";
import { getLink, type Link, listLinks } from "./netlink/links.ts";
import { LOCAL_TABLE, listRoutes } from "./netlink/routes.ts";
import { NetlinkSocket } from "./netlink/socket.ts";

const POLL_INTERVAL_MS = 2;
const UP_TIMEOUT_MS = 5000;

/** One end of a veth pair. */
export interface VethEnd extends LinkOptions {
  /** "192.0.2.1/24" */
  readonly addresses?: readonly string[];
}

/**
 * Indices for veth ends, unlike in both namespaces. The kernel brings a device to life at once if its index differs
 * from its peer's, else up to a second later, and drops what is sent before (net/core/link_watch.c,
 * linkwatch_urgent_event).
 */
const lowestIndex = 100;

function freeIndices(namespaces: readonly (NetworkNamespace | undefined)[]): readonly [number, number] {
  const taken = namespaces.flatMap((namespace) => {
    using netlink = new NetlinkSocket(NETLINK_ROUTE, namespace);
    return listLinks(netlink).map(({ index }) => index);
  });
  const first = Math.max(lowestIndex, ...taken.map((index) => index + 1));
  return [first, first + 1];
}

/** Makes a veth pair, gives it addresses, sets both ends up and waits until frames flow. */
export function createVethPair(left: VethEnd, right: VethEnd): void {
  const chosen = left.index === undefined && right.index === undefined;
  const [leftIndex, rightIndex] = chosen ? freeIndices([left.namespace, right.namespace]) : [];
  using socket = new NetlinkSocket(NETLINK_ROUTE, left.namespace);
  createLink(socket, {
    ...left,
    ...(leftIndex !== undefined && { index: leftIndex }),
    kind: "veth",
    peer: { ...right, ...(rightIndex !== undefined && { index: rightIndex }) },
  });
  for (const end of [left, right]) {
    using netlink = new NetlinkSocket(NETLINK_ROUTE, end.namespace);
    for (const address of end.addresses ?? []) addAddress(netlink, end.name, address);
    changeLink(netlink, end.name, { up: true });
  }
  for (const end of [left, right]) {
    waitUntilUp(end.name, end.namespace);
    waitUntilReachable(end);
  }
}

/**
 * Waits, blocking, until the end takes packets to its addresses. An IPv6 address can be bound to before: the kernel
 * adds its route from a work queue (net/ipv6/addrconf.c, addrconf_dad_work), up to milliseconds later on a busy
 * machine, and drops what comes until then.
 */
function waitUntilReachable({ name, namespace, addresses = [] }: VethEnd): void {
  const wanted = addresses
    .map((prefix) => bytesToIp(ipToBytes(parsePrefix(prefix).address)))
    .filter((address) => address.includes(":"));
  if (wanted.length === 0) return;
  using socket = new NetlinkSocket(NETLINK_ROUTE, namespace);
  pollUntil(
    () => {
      const local = new Set(listRoutes(socket, { table: LOCAL_TABLE }).map(({ destination }) => destination));
      return wanted.every((address) => local.has(`${address}/128`)) || undefined;
    },
    UP_TIMEOUT_MS,
    () =>
      new IovisorError(
        "E_SYSCALL",
        `the addresses of ${name} (${wanted.join(", ")}) could not be reached within ${UP_TIMEOUT_MS} ms`,
        "check that IPv6 is on in its namespace: sysctl net.ipv6.conf.all.disable_ipv6",
      ),
  );
}

/** The device `name` of the namespace. Throws E_NO_DEVICE that lists the ones there are. */
export function findDevice(name: string, namespace?: NetworkNamespace): Link {
  using socket = new NetlinkSocket(NETLINK_ROUTE, namespace);
  return getLink(socket, name);
}

/** Waits, blocking, until the device is operational; throws E_SYSCALL after `timeout` milliseconds. */
export function waitUntilUp(name: string, namespace?: NetworkNamespace, timeout = UP_TIMEOUT_MS): Link {
  using socket = new NetlinkSocket(NETLINK_ROUTE, namespace);
  return pollUntil(
    () => {
      const link = getLink(socket, name);
      // Loopback and tunnels have no notion of a lower layer: they stay "unknown" while they work.
      const works = link.operationalState === "up" || link.operationalState === "unknown";
      return link.carrier && works ? link : undefined;
    },
    timeout,
    () => {
      const link = getLink(socket, name);
      return new IovisorError(
        "E_SYSCALL",
        `${name} did not come up within ${timeout} ms (it is ${link.up ? link.operationalState : "switched off"})`,
        "check that the other end is up: a veth carries nothing while its peer is down",
      );
    },
  );
}

/** What `look` finds, as soon as it finds something; throws `failure` after `timeout` milliseconds without. Blocks. */
function pollUntil<Found>(look: () => Found | undefined, timeout: number, failure: () => Error): Found {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const end = Date.now() + timeout;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw failure();
    Atomics.wait(pause, 0, 0, POLL_INTERVAL_MS);
  }
}
