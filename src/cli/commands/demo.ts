import type { Command } from "commander";

const help = `
It makes networks of its own inside of this machine, runs the example functions in the kernel on real traffic, replaces
one while packets flow, and removes everything again. Where eBPF is not permitted, the same packet functions run on the
built-in VM. The exit code is 0 only if everything that was shown held.`;

export function configure(command: Command): void {
  command.addHelpText("after", help).action(async () => {
    const { runDemo } = await import("../demo/main.ts");
    process.exitCode = await runDemo();
  });
}
