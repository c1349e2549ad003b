import { NetworkNamespace } from "../../kernel/namespaces.ts";
import { PacketSocket } from "../../kernel/packet-socket.ts";

/** Packet sockets on devices that host sides send out of, opened when first needed. */
export class DeviceSockets implements Disposable {
  readonly #sockets = new Map<string, PacketSocket>();

  /** Sends a frame out of a device, past everything at its egress: it comes from the graph, not from the host. */
  send(
    device: { readonly name: string; readonly ifindex: number },
    netns: string | undefined,
    frame: Uint8Array,
  ): boolean {
    const key = `${netns ?? ""} ${device.ifindex}`;
    let socket = this.#sockets.get(key);
    if (!socket) {
      using namespace = netns === undefined ? undefined : NetworkNamespace.open(netns);
      socket = new PacketSocket(device.name, namespace, { bypassEgress: true });
      this.#sockets.set(key, socket);
    }
    return socket.send(frame);
  }

  /** Forgets sockets: devices may have gone or moved. */
  reset(): void {
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  [Symbol.dispose](): void {
    this.reset();
  }
}
