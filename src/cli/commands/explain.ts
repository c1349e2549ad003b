import type { Command } from "commander";
import { outputOption, settingOption, verifierLogOption, wholeNumber } from "../options.ts";
import type { OutputFormat } from "../report.ts";

const help = `
PACKET is a capture file (pcap, pcapng) or a description of one packet, outermost layer first:
  eth / ip 198.51.100.7 > 192.0.2.1 / tcp 40000 > 9999 syn
  eth / ip6 2001:db8::1 > 2001:db8::2 / udp 4000 > 53 / dns example.org

The path shows each line of the source that ran, with the values that it read and made. The verdict comes from the
compiled program: in the built-in VM, which needs no rights, or with --kernel in this kernel, unattached. Maps are
empty at the start.

Examples:
  iovisor explain examples/closed-port.ts --packet 'eth / ip / tcp 40000 > 9999 syn'
  iovisor explain filter.ts --packet trace.pcapng --index 17 --hook tcx-ingress --kernel`;

export interface ExplainArguments {
  readonly packet: string;
  readonly index: number;
  readonly hook: string;
  readonly kernel?: true;
  readonly program?: string;
  readonly set: readonly string[];
  readonly output: OutputFormat;
}

export function configure(command: Command): void {
  command
    .argument("<file>", "kernel module")
    .requiredOption("-p, --packet <packet>", "a capture file, or a description of a packet")
    .option("-i, --index <number>", "which packet of the capture, from 1", wholeNumber, 1)
    .option("--hook <hook>", "where it would run", "xdp")
    .option("--program <name>", "which program, where the file has several")
    .option("-k, --kernel", "let this kernel run the program, instead of the VM")
    .addOption(settingOption())
    .addOption(outputOption())
    .addOption(verifierLogOption())
    .addHelpText("after", help)
    .action(async (file: string, args: ExplainArguments) => {
      const { explainPacket } = await import("../explain/explain.ts");
      process.exitCode = await explainPacket(file, args);
    });
}
