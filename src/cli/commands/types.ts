import type { Command } from "commander";

const help = `
Writes tsconfig.json into the folder, so that tsc and editors find the kernel library and show nothing of Node or the
browser in kernel code. Inside of this package, and where iovisor is a dependency, it is not needed for imports, but
does no harm. An existing tsconfig.json is left alone unless --force is given.

Examples:
  iovisor types my-functions
  iovisor types . --force`;

export interface TypesArguments {
  readonly force?: true;
}

export function configure(command: Command): void {
  command
    .argument("[folder]", "folder of the kernel code", ".")
    .option("--force", "replace a tsconfig.json that is there")
    .addHelpText("after", help)
    .action(async (folder: string, options: TypesArguments) => {
      const { writeTypes } = await import("../types/write-types.ts");
      writeTypes(folder, options);
    });
}
