/** TCP between two hosts through a middle one: what iperf3 makes of it, and whether any checksum was wrong. */
import { once } from "node:events";
import type { VirtualHost, VirtualNetwork } from "../../src/kernel/virtual-network.ts";

/** Gigabits per second of one stream from "a" to "b". */
export async function throughput(network: VirtualNetwork, address: string, seconds: number): Promise<number> {
  const server = network
    .host("b")
    .spawn("iperf3", ["-s", "-1", "-p", "5201", "--forceflush"], { stdio: ["ignore", "pipe", "inherit"] });
  const exit = once(server, "exit");
  await Promise.race([once(server.stdout!, "data"), exit]);
  const client = network.host("a").spawn("iperf3", ["-c", address, "-p", "5201", "-t", String(seconds), "-J"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  client.stdout!.setEncoding("utf8").on("data", (part: string) => (text += part));
  const [code] = await once(client, "close");
  if (code !== 0) throw new Error(`iperf3 failed: ${text}`);
  await exit;
  const { end } = JSON.parse(text) as { end: { sum_received: { bits_per_second: number } } };
  return end.sum_received.bits_per_second / 1e9;
}

/** Segments that a host threw away because of their checksum (`nstat`, TcpInCsumErrors). */
export function checksumErrors(host: VirtualHost): number {
  const text = host.exec("nstat", ["-a", "-z", "-s", "TcpInCsumErrors", "IpExtInCsumErrors"]);
  return [...text.matchAll(/^\w+CsumErrors\s+(\d+)/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
}
