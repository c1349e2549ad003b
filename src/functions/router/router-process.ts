/** What a router does in the daemon: neighbours, ICMP errors, fragments. */
import type { HostContext, HostProcess, InstanceView, PuntedPacket } from "../../engine/host/host-side.ts";
import { kernelTicks } from "../../engine/host/ticks.ts";
import { completed } from "./completion.ts";
import { type RouterPort, routerPorts } from "./configuration.ts";
import { fragmentsOf } from "./fragments.ts";
import { linkHeader } from "./frames.ts";
import { type ErrorCause, icmpError } from "./icmp-errors.ts";
import type { LiveRoutes } from "./live-routes.ts";
import { Resolver, type Waiting } from "./resolution.ts";

const millisecondsBetweenLooks = 100;

export class RouterProcess implements HostProcess {
  readonly #context: HostContext;
  readonly #resolver: Resolver;
  #ports: readonly RouterPort[];
  readonly #routes: LiveRoutes;

  constructor(context: HostContext) {
    this.#context = context;
    const { instance } = context;
    this.#ports = routerPorts(instance);
    this.#routes = context.live as LiveRoutes;
    this.#resolver = new Resolver({
      context,
      ticks: kernelTicks(),
      ports: () => this.#ports,
      unreachable: (waiting) => this.#unreachable(waiting),
    });
    context.every(millisecondsBetweenLooks, () => this.#resolver.retry());
    context.every(1000, () => this.#resolver.age());
    this.#resolver.prune();
  }

  update(instance: InstanceView): void {
    this.#ports = routerPorts(instance);
    this.#resolver.prune();
  }

  punt({ reason, port, packet, length }: PuntedPacket): void {
    switch (reason) {
      case "resolved":
        this.#resolver.deliverAll();
        return;
      case "resolve":
        // Of a longer one there is not enough to send it on.
        if (packet.length === length) this.#resolve({ port, frame: completed(packet.slice()) });
        return;
      case "fragment":
        if (packet.length === length) this.#fragment({ port, frame: completed(packet) });
        return;
      default:
        this.#report({ port, frame: packet }, reason as ErrorCause);
    }
  }

  #out(frame: Uint8Array): RouterPort | undefined {
    const hop = this.#routes.hopOf(frame.subarray(linkHeader));
    return hop && "port" in hop ? this.#ports.find(({ number }) => number === hop.port) : undefined;
  }

  #resolve(waiting: Waiting): void {
    const ip = waiting.frame.subarray(linkHeader);
    const hop = this.#routes.hopOf(ip);
    if (hop?.kind !== "connected" && hop?.kind !== "gateway") return;
    const destination = ip[0]! >> 4 === 4 ? ip.subarray(16, 20) : ip.subarray(24, 40);
    const address = hop.kind === "gateway" ? hop.via : destination.slice();
    this.#resolver.wait({ port: hop.port, address }, waiting);
  }

  #fragment({ port, frame }: Waiting): void {
    const out = this.#out(frame);
    if (out) for (const fragment of fragmentsOf(frame, out.mtu)) this.#context.inject(port, fragment);
  }

  #unreachable(waiting: readonly Waiting[]): void {
    for (const one of waiting) this.#report(one, "unreachable");
  }

  #report({ port: number, frame }: Waiting, cause: ErrorCause): void {
    const port = this.#ports.find((one) => one.number === number);
    if (!port) return;
    const mtu = cause === "tooBig" ? (this.#out(frame)?.mtu ?? 0) : 0;
    const error = icmpError(frame, cause, { port, ports: this.#ports, mtu });
    if (error) this.#context.send(number, error);
  }
}
