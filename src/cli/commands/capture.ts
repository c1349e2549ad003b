import { type Command, Option } from "commander";
import { captureDirections } from "../../api/observe.ts";
import { positiveNumber, wholeNumber } from "../options.ts";
import type { CaptureArguments } from "../show/capture.ts";

const help = `
A port is INSTANCE.PORT, INSTANCE for all its ports, dev:DEVICE for the port behind a device, or a link. Packets come
with their verdicts and drop reasons as comments, ports are the interfaces. The graph stays as it is.

Filters are terms that must all hold: ip, ip6, arp, tcp, udp, icmp, icmp6, an address (10.0.0.0/8), a port behind tcp
or udp, port 53, src and dst in front of an address or port, vlan 10.

Examples:
  iovisor capture fw.inside -w fw.pcapng
  iovisor capture fw -w drops.pcapng --direction dropped --for 60
  iovisor capture dev:lan1 --match "ip 10.0.0.1 tcp 443" --count 100 -w - | tshark -r -`;

export function configure(command: Command): void {
  command
    .argument("<ports...>", "what to look at")
    .requiredOption("-w, --write <file>", 'pcapng file, "-" for the output')
    .addOption(new Option("--direction <which>", "what of it").choices(captureDirections).default("both"))
    .option("-m, --match <filter>", "packets that fit")
    .option("-c, --count <packets>", "end after so many", wholeNumber)
    .option("--for <seconds>", "end after so long", positiveNumber)
    .option("--snap <bytes>", "bytes of each packet at most (2048)", wholeNumber)
    .option("--buffer <bytes>", "ring in the kernel, a power of two (4194304)", wholeNumber)
    .addHelpText("after", help)
    .action(async (ports: readonly string[], args: CaptureArguments) => {
      const { capture } = await import("../show/capture.ts");
      process.exitCode = await capture(ports, args);
    });
}
