/** Raw frames on a device (packet(7)): tests, the demo and packet injection send and see them. */
import { inside, type NetworkNamespace } from "./namespaces.ts";
import { AF, NETLINK_ROUTE } from "./netlink/constants.ts";
import { getLink } from "./netlink/links.ts";
import { NetlinkSocket } from "./netlink/socket.ts";
import { Descriptor } from "./sys/descriptor.ts";
import { errno } from "./sys/errno.ts";
import { addressOf, pollReadable, syscall } from "./sys/native.ts";
import { NR } from "./sys/numbers.ts";
import { checked, systemError } from "./system-error.ts";

const SOCK_RAW_NONBLOCK = 0x80803;
const ALL_PROTOCOLS = 3;
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const SOL_PACKET = 263;
const OPTION = { statistics: 6, auxiliaryData: 8, bypassQueueing: 20, ignoreOutgoing: 23 } as const;
const STATUS = { checksumPending: 1 << 3, vlanValid: 1 << 4 } as const;
const MSG_TRUNC = 0x20;
const RECEIVE_BUFFER = 16 << 20;
/** The largest frame: a GSO packet of 64 KiB and its headers. */
const FRAME_SIZE = 65536 + 256;
const CONTROL_SIZE = 64;
const MESSAGE_SIZE = 56;
const SEND_ATTEMPTS = 1000;
const RETRY_PAUSE_MS = 1;

/** A frame that a device received. */
export interface ReceivedFrame {
  readonly data: Uint8Array;
  /** The VLAN tag, which the kernel takes out of the frame on reception. */
  readonly vlan: { readonly tci: number; readonly protocol: number } | undefined;
  /** The transport checksum is not filled in: the sender left that to an offload. */
  readonly checksumPending: boolean;
}

/** A packet socket bound to one device. It never blocks the event loop. */
export class PacketSocket implements Disposable {
  readonly #descriptor: Descriptor;
  readonly #frame = new Uint8Array(FRAME_SIZE);
  readonly #control = new Uint8Array(CONTROL_SIZE);
  readonly #vector = new Uint8Array(16);
  readonly #message = new Uint8Array(MESSAGE_SIZE);

  /**
   * Opens the device in `namespace` (by default the thread's). It sees received frames, not the ones sent.
   * `bypassEgress`: what it sends meets no program and no queue at egress (PACKET_QDISC_BYPASS).
   */
  constructor(device: string, namespace?: NetworkNamespace, options: { readonly bypassEgress?: boolean } = {}) {
    using netlink = new NetlinkSocket(NETLINK_ROUTE, namespace);
    const { index } = getLink(netlink, device);
    // Protocol 0 at first: the socket hears nothing until it is bound to the one device.
    const fd = inside(namespace, () => syscall(NR.socket, AF.packet, SOCK_RAW_NONBLOCK, 0));
    this.#descriptor = new Descriptor(
      checked(fd, `opening a packet socket on ${device}`, "run as root, or with CAP_NET_RAW"),
      `packet socket on ${device}`,
    );
    this.#setOption(SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER);
    this.#setOption(SOL_PACKET, OPTION.auxiliaryData, 1);
    this.#setOption(SOL_PACKET, OPTION.ignoreOutgoing, 1);
    if (options.bypassEgress) this.#setOption(SOL_PACKET, OPTION.bypassQueueing, 1);
    const address = new Uint8Array(20);
    const view = new DataView(address.buffer);
    view.setUint16(0, AF.packet, true);
    view.setUint16(2, ALL_PROTOCOLS, false);
    view.setInt32(4, index, true);
    checked(syscall(NR.bind, this.fd, address, address.length), `binding a packet socket to ${device}`);
    this.#prepareMessage();
  }

  get fd(): number {
    return this.#descriptor.fd;
  }

  /**
   * Sends a whole frame, link-layer header included; waits for room for up to about a second. Returns false if the
   * frame was dropped on the way out: by a program at egress or by a full queue.
   */
  send(frame: Uint8Array): boolean {
    for (let attempt = 0; ; attempt++) {
      const result = syscall(NR.sendto, this.fd, frame, frame.length, 0);
      if (result >= 0) return true;
      if (result === -errno.ENOBUFS) return false;
      if (result !== -errno.EAGAIN || attempt === SEND_ATTEMPTS)
        throw systemError(`sending ${frame.length} bytes`, result);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_PAUSE_MS);
    }
  }

  /** The next frame that has arrived, or undefined if there is none now. */
  receive(): ReceivedFrame | undefined {
    const message = new DataView(this.#message.buffer);
    message.setBigUint64(40, BigInt(CONTROL_SIZE), true);
    const size = syscall(NR.recvmsg, this.fd, this.#message, MSG_TRUNC);
    if (size === -errno.EAGAIN || size === -errno.EINTR) return undefined;
    checked(size, "receiving a frame");
    const data = this.#frame.slice(0, Math.min(size, FRAME_SIZE));
    return { data, ...this.#auxiliary(Number(message.getBigUint64(40, true))) };
  }

  /** All frames that have arrived. */
  drain(): ReceivedFrame[] {
    const frames: ReceivedFrame[] = [];
    for (let frame = this.receive(); frame; frame = this.receive()) frames.push(frame);
    return frames;
  }

  /** Waits for a frame that `wanted` accepts; others are dropped. Undefined after `timeout` milliseconds. */
  async next(
    timeout: number,
    wanted: (frame: ReceivedFrame) => boolean = () => true,
  ): Promise<ReceivedFrame | undefined> {
    return new Promise((resolve) => {
      const look = () => {
        for (let frame = this.receive(); frame; frame = this.receive()) {
          if (wanted(frame)) return finish(frame);
        }
      };
      const poll = pollReadable(this.fd, look);
      const timer = setTimeout(() => finish(undefined), timeout);
      const finish = (frame: ReceivedFrame | undefined) => {
        clearTimeout(timer);
        poll.close();
        resolve(frame);
      };
    });
  }

  /** How many frames reached the socket, and how many of them were lost for want of room, since the last call. */
  statistics(): { readonly received: number; readonly lost: number } {
    const counts = new Uint32Array(2);
    const length = new Uint8Array(Uint32Array.of(8).buffer);
    const bytes = new Uint8Array(counts.buffer);
    checked(
      syscall(NR.getsockopt, this.fd, SOL_PACKET, OPTION.statistics, bytes, length),
      "reading packet socket statistics",
    );
    return { received: counts[0] ?? 0, lost: counts[1] ?? 0 };
  }

  close(): void {
    this.#descriptor.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** struct msghdr and its iovec; the buffers live as long as this object. */
  #prepareMessage(): void {
    const vector = new DataView(this.#vector.buffer);
    vector.setBigUint64(0, addressOf(this.#frame), true);
    vector.setBigUint64(8, BigInt(FRAME_SIZE), true);
    const message = new DataView(this.#message.buffer);
    message.setBigUint64(16, addressOf(this.#vector), true);
    message.setBigUint64(24, 1n, true);
    message.setBigUint64(32, addressOf(this.#control), true);
  }

  /** struct tpacket_auxdata, behind the 16-byte header of a control message. */
  #auxiliary(length: number): Pick<ReceivedFrame, "vlan" | "checksumPending"> {
    const view = new DataView(this.#control.buffer);
    const present =
      length >= 36 && view.getInt32(8, true) === SOL_PACKET && view.getInt32(12, true) === OPTION.auxiliaryData;
    const status = present ? view.getUint32(16, true) : 0;
    return {
      checksumPending: (status & STATUS.checksumPending) !== 0,
      vlan:
        status & STATUS.vlanValid ? { tci: view.getUint16(32, true), protocol: view.getUint16(34, true) } : undefined,
    };
  }

  #setOption(level: number, option: number, value: number): void {
    syscall(NR.setsockopt, this.fd, level, option, new Uint8Array(Uint32Array.of(value).buffer), 4);
  }
}
