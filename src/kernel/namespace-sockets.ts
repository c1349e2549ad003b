/**
 * Node's own sockets inside a network namespace. Node makes its descriptors late, on another turn of the loop; here
 * they are made inside, and handed to Node.
 */
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server, Socket } from "node:net";
import { IovisorError } from "../errors.ts";
import { inside, type NetworkNamespace } from "./namespaces.ts";
import { AF } from "./netlink/constants.ts";
import { familyOf, ipToBytes } from "./netlink/ip.ts";
import { syscall } from "./sys/native.ts";
import { NR } from "./sys/numbers.ts";
import { checked } from "./system-error.ts";

const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_FLAGS = 0x80800;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const BACKLOG = 128;

/** struct sockaddr_in or sockaddr_in6. */
function socketAddress(address: string, port: number): Uint8Array {
  const bytes = ipToBytes(address);
  const result = new Uint8Array(bytes.length === 4 ? 16 : 28);
  const view = new DataView(result.buffer);
  view.setUint16(0, familyOf(address), true);
  view.setUint16(2, port, false);
  result.set(bytes, bytes.length === 4 ? 4 : 8);
  return result;
}

function openSocket(namespace: NetworkNamespace | undefined, address: string, type: number): number {
  return inside(namespace, () =>
    checked(syscall(NR.socket, familyOf(address), type | SOCK_FLAGS, 0), "opening a socket"),
  );
}

function openBound(namespace: NetworkNamespace | undefined, address: string, port: number, type: number): number {
  const fd = openSocket(namespace, address, type);
  syscall(NR.setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, new Uint8Array(Uint32Array.of(1).buffer), 4);
  const where = socketAddress(address, port);
  const result = syscall(NR.bind, fd, where, where.length);
  if (result < 0) syscall(NR.close, fd);
  checked(result, `binding to ${address} port ${port}`);
  return fd;
}

/** A UDP socket bound to an address of the namespace; port 0 lets the kernel choose. */
export async function openUdp(namespace: NetworkNamespace | undefined, address: string, port = 0): Promise<UdpSocket> {
  const fd = openBound(namespace, address, port, SOCK_DGRAM);
  const socket = createSocket(familyOf(address) === AF.inet ? "udp4" : "udp6");
  const listening = once(socket, "listening");
  socket.bind({ fd, exclusive: true });
  await listening;
  return socket;
}

/** A TCP server on an address of the namespace; port 0 lets the kernel choose. */
export async function listenTcp(namespace: NetworkNamespace | undefined, address: string, port = 0): Promise<Server> {
  const fd = openBound(namespace, address, port, SOCK_STREAM);
  checked(syscall(NR.listen, fd, BACKLOG), `listening on ${address} port ${port}`);
  const server = createServer();
  const listening = once(server, "listening");
  server.listen({ fd, exclusive: true });
  await listening;
  return server;
}

/**
 * Connects over TCP from inside the namespace. Rejects with Node's error (ECONNREFUSED, EPERM from a cgroup program),
 * or with E_SYSCALL after `timeout` milliseconds without an answer.
 */
export async function connectTcp(
  namespace: NetworkNamespace | undefined,
  address: string,
  port: number,
  timeout = 2000,
): Promise<Socket> {
  const socket = new Socket({ fd: openSocket(namespace, address, SOCK_STREAM) });
  const timer = setTimeout(() => {
    socket.destroy(
      new IovisorError(
        "E_SYSCALL",
        `no answer from ${address} port ${port} within ${timeout} ms`,
        "look for what drops the packets: a firewall, a missing route, a program on the way",
      ),
    );
  }, timeout);
  try {
    const connected = once(socket, "connect");
    socket.connect(port, address);
    await connected;
    return socket;
  } finally {
    clearTimeout(timer);
  }
}
