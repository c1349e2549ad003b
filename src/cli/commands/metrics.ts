import type { Command } from "commander";
import type { ConnectionArguments } from "../client/connection.ts";

const help = `
The text that Prometheus reads from GET /metrics.

Examples:
  iovisor metrics | grep iovisor_port_packets`;

export function configure(command: Command): void {
  command.addHelpText("after", help).action(async (args: ConnectionArguments) => {
    const { Client } = await import("../client/client.ts");
    process.stdout.write(await new Client(args).text("/metrics"));
  });
}
