import type { Command } from "commander";
import { socketOption } from "../options.ts";

const help = `
The text that Prometheus reads from GET /metrics.

Examples:
  iovisor metrics | grep iovisor_port_packets`;

export function configure(command: Command): void {
  command
    .addOption(socketOption())
    .addHelpText("after", help)
    .action(async ({ socket }: { readonly socket: string }) => {
      const { Client } = await import("../client/client.ts");
      process.stdout.write(await new Client(socket).text("/metrics"));
    });
}
