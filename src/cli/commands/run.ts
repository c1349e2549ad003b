import type { Command } from "commander";
import { collect, milliseconds, outputOption, positiveNumber, settingOption, verifierLogOption } from "../options.ts";
import type { RunArguments } from "../run/session.ts";

const help = `
Hooks:
  xdp:DEVICE                received frames, in the driver
  tcx-ingress:DEVICE        packets from the device to the stack
  tcx-egress:DEVICE         packets from the stack to the device
  cgroup-connect4:PATH      connections over IPv4 of a control group's processes; cgroup-connect6 for IPv6
Tracepoints are named in the source and attached without --attach. Where a file has several programs for a hook,
PROGRAM@HOOK:TARGET says which.

Maps and events are shown as the file declares: drawn in place on a terminal, as lines elsewhere. Everything is
detached and unloaded at the end: after --for SECONDS (exit code 0), on Ctrl-C (130), on SIGTERM (143), or when the
terminal goes (129). When all that it is attached to is gone, the run ends with exit code 1.

Examples:
  iovisor run examples/closed-port.ts --attach xdp:eth0
  iovisor run closed-port.ts --attach xdp:veth0 --netns blue --set closedPort=8080 --watch
  iovisor run exec-snoop.ts --for 10 -o json`;

export function configure(command: Command): void {
  command
    .argument("<file>", "kernel module: .ts, or .hir.json from `iovisor build`")
    .option("-a, --attach <hook:target>", "where to attach; may be given several times", collect)
    .addOption(settingOption())
    .option("-n, --netns <name>", "network namespace of the devices, as in `ip netns`")
    .option("-w, --watch", "replace the running function when its source is saved; maps are kept where they can be")
    .option("--for <seconds>", "end after that time", positiveNumber)
    .option("--interval <seconds>", "time between two looks at the maps", positiveNumber, 1)
    .addOption(outputOption())
    .addOption(verifierLogOption())
    .addHelpText("after", help)
    .action(async (file: string, { attach = [], ...options }: RunArguments) => {
      const { runFunction } = await import("../run/session.ts");
      process.exitCode = await runFunction(file, { ...options, attach, interval: milliseconds(options.interval) });
    });
}
