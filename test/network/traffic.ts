/** Traffic between hosts of a test network. */
import type { VirtualHost } from "./network.ts";

/** What a command prints, whether it succeeds or not. It runs beside this process, whose host side must answer. */
export async function output(host: VirtualHost, command: string, args: readonly string[]): Promise<string> {
  const child = host.spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  child.stdout!.on("data", (data) => (text += data));
  child.stderr!.on("data", (data) => (text += data));
  await new Promise((resolve) => child.once("close", resolve));
  return text;
}

export async function ping(host: VirtualHost, target: string, ...options: readonly string[]): Promise<string> {
  return await output(host, "ping", ["-n", "-c", "3", "-i", "0.2", "-W", "2", ...options, target]);
}

/** Sends so much over a TCP connection and gives what arrived. */
export async function transfer(from: VirtualHost, to: VirtualHost, address: string, bytes: number): Promise<number> {
  const server = await to.listen(address);
  let received = 0;
  const done = new Promise<void>((resolve) => {
    server.on("connection", (socket) => {
      socket.on("data", (data: Uint8Array) => (received += data.length));
      socket.on("end", () => {
        socket.end();
        resolve();
      });
    });
  });
  const { port } = server.address() as { port: number };
  const socket = await from.connect(address, port, 5000);
  socket.end(new Uint8Array(bytes));
  await done;
  socket.destroy();
  server.close();
  return received;
}
