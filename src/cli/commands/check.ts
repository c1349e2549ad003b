import type { Command } from "commander";
import { collect, outputOption, settingOption, verifierLogOption } from "../options.ts";
import type { OutputFormat } from "../report.ts";

const help = `
Nothing is attached. The verifier is asked where bpf(2) is permitted; elsewhere the check ends with the compiler.
Packet programs are tried at XDP and at TCX unless --hook says otherwise. The settings that --set takes are listed: as a
table, or as a JSON Schema with -o json.

Examples:
  iovisor check examples/closed-port.ts
  iovisor check filter.ts --hook xdp --set mode=strict`;

export interface CheckArguments {
  readonly hook: readonly string[];
  readonly set: readonly string[];
  readonly verifier: boolean;
  readonly output: OutputFormat;
}

export function configure(command: Command): void {
  command
    .argument("<files...>", "kernel modules")
    .option("--hook <hook>", "only this hook; may be given several times", collect)
    .addOption(settingOption())
    .option("--no-verifier", "do not ask the kernel's verifier")
    .addOption(outputOption())
    .addOption(verifierLogOption())
    .addHelpText("after", help)
    .action(async (files: readonly string[], { hook = [], ...options }: CheckArguments) => {
      const { checkFiles } = await import("../check/check-files.ts");
      process.exitCode = await checkFiles(files, { ...options, hook });
    });
}
