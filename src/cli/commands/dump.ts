import { type Command, Option } from "commander";
import { collect, fewPathsOption, settingOption, wholeNumber } from "../options.ts";

const stages = ["hir", "ir", "passes", "bytecode", "btf"] as const;

const help = `
Stages, in the order in which the compiler makes them:
  hir       the typed tree, after the front end; settings are still open
  ir        the SSA form, after all passes
  passes    the SSA form as it was lowered, and after each pass that changed it
  bytecode  the instructions with the lines of the source that they come from
  btf       the types that go with the program

Examples:
  iovisor dump examples/closed-port.ts --stage bytecode
  iovisor dump filter.ts --stage passes --hook tcx-ingress -O 2`;

export interface DumpArguments {
  readonly stage: (typeof stages)[number];
  readonly hook: readonly string[];
  readonly set: readonly string[];
  readonly optimization: number;
  readonly fewPaths?: boolean;
}

export function configure(command: Command): void {
  command
    .argument("<file>", "kernel module")
    .addOption(new Option("--stage <stage>", "what to print").choices(stages).default("bytecode"))
    .option("--hook <hook>", "only for this hook; may be given several times", collect)
    .option("-O, --optimization <level>", "0: as it was lowered, 2: all passes", wholeNumber, 2)
    .addOption(fewPathsOption())
    .addOption(settingOption())
    .addHelpText("after", help)
    .action(async (file: string, { hook = [], ...args }: DumpArguments) => {
      const { dumpFile } = await import("../dump/dump-file.ts");
      await dumpFile(file, { ...args, hook });
    });
}
