import { setTimeout } from "node:timers/promises";
import type { VirtualHost, VirtualNetwork } from "../../../kernel/virtual-network.ts";
import { demand, type Say, type Stage } from "../stage.ts";
import { DemoDaemon } from "./graph-daemon.ts";
import { closedPort, demoGraph, demoNetwork, hosts, visorHost } from "./graph-network.ts";

const openPort = 8080;
const pause = 20;

/** A network of functions: applied, used by ordinary tools, changed under traffic, left alone by its daemon. */
export const graphStage: Stage = {
  title: "a network of functions: switch, access list, router, two VLANs",
  expected: "IPv4, IPv6, TCP, UDP; a rule changed and the daemon killed under traffic, no packet lost",
  async show(say) {
    using network = demoNetwork(`iovdemo${process.pid}-`);
    await using daemon = new DemoDaemon();
    await daemon.start();
    const { name } = network.host(visorHost).namespace;
    await daemon.apply(demoGraph(name!, false));
    say((await daemon.command("get", "pipelines")).trimEnd().replaceAll("\n", "\n   "));
    await showTraffic(network, say);
    const stream = new Stream(network);
    await stream.start();
    await daemon.apply(demoGraph(name!, true));
    const refused = await connects(network.host(hosts.anna.name), hosts.cleo.ipv4, closedPort);
    demand(!refused, `port ${closedPort} answers although a rule closes it`);
    say(`a rule closes TCP port ${closedPort}: ${hosts.anna.name} does not reach ${hosts.cleo.name} there any more`);
    await daemon.kill();
    await setTimeout(300);
    say("the daemon is killed; packets flow on");
    await daemon.start();
    await daemon.apply(demoGraph(name!, false));
    const open = await connects(network.host(hosts.anna.name), hosts.cleo.ipv4, closedPort);
    demand(open, `port ${closedPort} does not answer after the rule is gone`);
    const { sent, received } = await stream.stop();
    say(`started again, it takes over and opens the port; ${received} of ${sent} datagrams of a stream arrived`);
    demand(received === sent, `${sent - received} of ${sent} datagrams were lost`);
    return `${received} of ${sent} datagrams arrived over two changes, a kill and a restart`;
  },
};

/** Within a VLAN and between the two, with IPv4 and IPv6. */
async function showTraffic(network: VirtualNetwork, say: Say): Promise<void> {
  const { anna, bert, cleo } = hosts;
  const from = network.host(anna.name);
  for (const [what, to, address] of [
    ["switched", bert, bert.ipv4],
    ["routed", cleo, cleo.ipv4],
    ["switched", bert, bert.ipv6],
    ["routed", cleo, cleo.ipv6],
  ] as const) {
    demand(pings(from, address) ?? true, `${to.name} does not answer a ping to ${address}`);
    for (const port of [openPort, closedPort]) {
      const server = await network.host(to.name).listen(address, port);
      server.unref();
      server.on("connection", (socket) => socket.destroy());
      demand(await connects(from, address, port), `${anna.name} does not connect to ${address} port ${port}`);
    }
    say(`${anna.name} reaches ${to.name} at ${address} (${what})`);
  }
}

/** Whether a host answers an echo request; undefined where the machine has no ping. */
function pings(from: VirtualHost, address: string): boolean | undefined {
  try {
    from.exec("ping", ["-c", "1", "-W", "3", address]);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? undefined : false;
  }
}

async function connects(from: VirtualHost, address: string, port: number): Promise<boolean> {
  try {
    (await from.connect(address, port, 1500)).destroy();
    return true;
  } catch {
    return false;
  }
}

/** Numbered datagrams between two VLANs, a few every some milliseconds. */
class Stream {
  readonly #network: VirtualNetwork;
  #sent = 0;
  readonly #received = new Set<number>();
  #end: (() => Promise<void>) | undefined;

  constructor(network: VirtualNetwork) {
    this.#network = network;
  }

  async start(): Promise<void> {
    const { anna, cleo } = hosts;
    const receiver = await this.#network.host(cleo.name).udp(cleo.ipv4, 7000);
    const sender = await this.#network.host(anna.name).udp(anna.ipv4);
    receiver.on("message", (message) => this.#received.add(message.readUInt32LE(0)));
    const timer = setInterval(() => {
      for (let burst = 0; burst < 4; burst++) {
        sender.send(Buffer.from(Uint32Array.of(this.#sent++).buffer), 7000, cleo.ipv4);
      }
    }, pause);
    this.#end = async () => {
      clearInterval(timer);
      for (let round = 0; round < 100 && this.#received.size < this.#sent; round++) await setTimeout(10);
      sender.close();
      receiver.close();
    };
  }

  async stop(): Promise<{ readonly sent: number; readonly received: number }> {
    await this.#end?.();
    return { sent: this.#sent, received: this.#received.size };
  }
}
