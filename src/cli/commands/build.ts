import type { Command } from "commander";
import { collect, fewPathsOption, settingOption } from "../options.ts";

const help = `
The name of the output says what it is: FILE.o is an ELF object for libbpf, bpftool and other loaders, with the settings
folded in; FILE.hir.json is what iovisor loads without the TypeScript compiler, with the settings still open.
Tracing programs in an ELF object are made for the types of the running kernel.

Examples:
  iovisor build examples/closed-port.ts -o closed-port.o
  iovisor build filter.ts -o filter.hir.json
  iovisor build filter.ts -o filter.o --hook tcx-ingress --set mode=strict`;

export interface BuildArguments {
  readonly output: string;
  readonly hook: readonly string[];
  readonly set: readonly string[];
  readonly fewPaths?: boolean;
}

export function configure(command: Command): void {
  command
    .argument("<file>", "kernel module")
    .requiredOption("-o, --output <file>", "what to write: .o or .hir.json")
    .option("--hook <hook>", "make the programs for this hook (ELF); may be given several times", collect)
    .addOption(fewPathsOption())
    .addOption(settingOption())
    .addHelpText("after", help)
    .action(async (file: string, { hook = [], ...args }: BuildArguments) => {
      const { buildFile } = await import("../build/build-file.ts");
      await buildFile(file, { ...args, hook });
    });
}
