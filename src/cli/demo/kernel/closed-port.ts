import { once } from "node:events";
import type { Server } from "node:net";
import type * as ClosedPort from "../../../../examples/closed-port.ts";
import { RunningFunction } from "../../../engine/running.ts";
import type { VirtualHost } from "../../../kernel/virtual-network.ts";
import { compileExample } from "../examples.ts";
import { demand, type Stage } from "../stage.ts";
import { addressNumber, addressText, clientAddress, serverAddress, serverDevice, twoHosts } from "./network.ts";

const openPort = 8080;
const closedPort = 9999;
const patience = 1500;

/** A TCP port is closed in the driver, and who tried it is counted. */
export const closedPortStage: Stage = {
  title: "a packet function at XDP",
  expected: "port 9999 closed, 8080 open, attempts counted",
  async show(say) {
    const module = await compileExample("closed-port", say);
    using network = twoHosts();
    using fn = new RunningFunction<typeof ClosedPort>(module);
    const server = network.host("server");
    const attachment = fn.attach(`xdp:${serverDevice}`, { netns: server.namespace });
    say(`attached to ${serverDevice} as program ${attachment.programId}`);
    const servers = await Promise.all([openPort, closedPort].map((port) => server.listen(serverAddress, port)));
    try {
      const client = network.host("client");
      const open = await connects(client, openPort);
      const closed = !(await connects(client, closedPort));
      const counted = fn.maps.usage.get(addressNumber(clientAddress))?.packets ?? 0n;
      const usage = [...fn.maps.usage].map(([source, one]) => `${addressText(source)}: ${one.packets} packets`);
      say(`usage: ${usage.join(", ")}`);
      demand(open && closed && counted >= 1n, `8080 open: ${open}, 9999 closed: ${closed}, counted ${counted}`);
      return `as expected, ${counted} packets counted`;
    } finally {
      await Promise.all(servers.map(closeServer));
    }
  },
};

/** Whether a connection comes about in time. */
export async function connects(host: VirtualHost, port: number): Promise<boolean> {
  try {
    const socket = await host.connect(serverAddress, port, patience);
    socket.destroy();
    return true;
  } catch {
    return false;
  }
}

export async function closeServer(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  await closed;
}
