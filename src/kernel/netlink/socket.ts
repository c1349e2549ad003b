/** A netlink socket: requests and dumps, answered synchronously, and the raw receive that the monitor builds on. */
import { IovisorError } from "../../errors.ts";
import type { NetworkNamespace } from "../namespaces.ts";
import { Descriptor } from "../sys/descriptor.ts";
import { errno } from "../sys/errno.ts";
import { syscall } from "../sys/native.ts";
import { NR } from "../sys/numbers.ts";
import { checked, systemError } from "../system-error.ts";
import { AF, NETLINK_ROUTE, NLM_F, NLMSG } from "./constants.ts";
import { assertAccepted, readAcknowledgement, readDone } from "./error.ts";
import { decodeMessages, encodeMessage, type NetlinkMessage } from "./message.ts";

const SOCK_RAW_CLOEXEC = 0x80003;
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const OPTION = { addMembership: 1, capAck: 10, extAck: 11, strictCheck: 12 } as const;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;

/** A dump fills buffers of at most 32 KiB (kernel: netlink_dump); twice that holds any answer. */
const RECEIVE_SIZE = 65536;
/** Dumps that change while they run are marked and taken again; a table that never rests gives its last state. */
const DUMP_ATTEMPTS = 5;

/** What a monitor's receive can find. */
export type Received =
  | { readonly kind: "messages"; readonly messages: NetlinkMessage[] }
  | { readonly kind: "overrun" };

/**
 * A netlink socket of one network namespace: the one given at creation, or the caller's. It stays there, whatever
 * namespace the thread enters later.
 */
export class NetlinkSocket implements Disposable {
  readonly #descriptor: Descriptor;
  readonly #buffer = new Uint8Array(RECEIVE_SIZE);
  #sequence = 0;

  constructor(family: number = NETLINK_ROUTE, namespace?: NetworkNamespace) {
    const open = () => checked(syscall(NR.socket, AF.netlink, SOCK_RAW_CLOEXEC, family), "opening a netlink socket");
    this.#descriptor = new Descriptor(namespace ? namespace.run(open) : open(), "netlink socket");
    for (const option of [OPTION.capAck, OPTION.extAck, OPTION.strictCheck]) this.#setOption(SOL_NETLINK, option, 1);
    const address = new Uint8Array(12);
    address[0] = AF.netlink;
    checked(syscall(NR.bind, this.fd, address, address.length), "binding a netlink socket");
  }

  get fd(): number {
    return this.#descriptor.fd;
  }

  close(): void {
    this.#descriptor.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Subscribes to a multicast group. */
  join(group: number): void {
    checked(this.#setOption(SOL_NETLINK, OPTION.addMembership, group), `joining netlink group ${group}`);
  }

  /** Enlarges the receive buffer beyond the system's limit where that is permitted. */
  setReceiveBuffer(bytes: number): void {
    this.#setOption(SOL_SOCKET, SO_RCVBUFFORCE, bytes);
  }

  /**
   * Sends one request and waits for its end. Returns the messages that came before the acknowledgement. Throws a
   * NetlinkError with the kernel's words if it was refused; `action` says what was asked.
   */
  request(action: string, type: number, flags: number, payload: Uint8Array): NetlinkMessage[] {
    const sequence = this.#send(action, type, flags | NLM_F.request | NLM_F.acknowledge, payload);
    return this.#collect(action, sequence).messages;
  }

  /** Asks for all objects of a kind. */
  dump(action: string, type: number, payload: Uint8Array): NetlinkMessage[] {
    for (let attempt = 1; ; attempt++) {
      const sequence = this.#send(action, type, NLM_F.request | NLM_F.dump, payload);
      const { messages, interrupted } = this.#collect(action, sequence);
      if (!interrupted || attempt === DUMP_ATTEMPTS) return messages;
    }
  }

  /** What has arrived by now, without waiting: undefined when there is nothing. */
  poll(): Received | undefined {
    const size = syscall(NR.recvfrom, this.fd, this.#buffer, RECEIVE_SIZE, MSG_TRUNC | MSG_DONTWAIT);
    if (size === -errno.EAGAIN) return undefined;
    if (size === -errno.ENOBUFS) return { kind: "overrun" };
    return { kind: "messages", messages: this.#decode(checked(size, "receiving from a netlink socket")) };
  }

  #send(action: string, type: number, flags: number, payload: Uint8Array): number {
    this.#sequence = (this.#sequence + 1) >>> 0;
    const message = encodeMessage(type, flags, this.#sequence, payload);
    const sent = syscall(NR.sendto, this.fd, message, message.length, 0);
    if (sent < 0) throw systemError(action, sent);
    return this.#sequence;
  }

  #collect(action: string, sequence: number): { messages: NetlinkMessage[]; interrupted: boolean } {
    const messages: NetlinkMessage[] = [];
    let interrupted = false;
    for (;;) {
      for (const message of this.#receive(action)) {
        if (message.sequence !== sequence) continue;
        if (message.flags & NLM_F.dumpInterrupted) interrupted = true;
        if (message.type === NLMSG.error) {
          assertAccepted(action, readAcknowledgement(message.flags, message.payload));
          return { messages, interrupted };
        }
        if (message.type === NLMSG.done) {
          assertAccepted(action, readDone(message.flags, message.payload));
          return { messages, interrupted };
        }
        messages.push(message);
      }
    }
  }

  #receive(action: string): NetlinkMessage[] {
    const size = syscall(NR.recvfrom, this.fd, this.#buffer, RECEIVE_SIZE, MSG_TRUNC);
    if (size === -errno.EINTR) return [];
    return this.#decode(checked(size, action));
  }

  #decode(size: number): NetlinkMessage[] {
    if (size > RECEIVE_SIZE) {
      throw new IovisorError("E_SYSCALL", `a netlink answer of ${size} bytes was cut off`, "report this as a defect");
    }
    return decodeMessages(this.#buffer.subarray(0, size));
  }

  #setOption(level: number, option: number, value: number): number {
    return syscall(NR.setsockopt, this.fd, level, option, new Uint8Array(Uint32Array.of(value).buffer), 4);
  }
}
