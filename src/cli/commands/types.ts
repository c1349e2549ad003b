import type { Command } from "commander";

const help = `
Writes tsconfig.json, tsconfig.kernel.json and tsconfig.host.json into the folder, so that tsc (as tsc -b) and editors
find the library, show nothing of Node or the browser in kernel code, and know Node's types in host code. Host code is
host.ts, *.host.ts, *.test.ts and what lies in a folder host; all else is kernel code. Files that are there are left
alone unless --force is given.

Examples:
  iovisor types my-functions
  iovisor types . --force`;

export interface TypesArguments {
  readonly force?: true;
}

export function configure(command: Command): void {
  command
    .argument("[folder]", "folder of the functions", ".")
    .option("--force", "replace files that are there")
    .addHelpText("after", help)
    .action(async (folder: string, options: TypesArguments) => {
      const { writeTypes } = await import("../types/write-types.ts");
      writeTypes(folder, options);
    });
}
