import { Command, CommanderError, Option } from "commander";
import { commands } from "./commands.ts";
import { exitCodes } from "./exit-codes.ts";
import { connectionOptions } from "./options.ts";

const description = "Program the I/O of a running Linux kernel in TypeScript.";
const epilogue = `
Exit codes: 0 done, 1 failed, 2 wrong arguments, 129 ended by SIGHUP, 130 by Ctrl-C, 143 by SIGTERM.
\`iovisor COMMAND --help\` has the arguments of a command, and examples.`;

/** Runs the command line and gives the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const program = await makeProgram(args);
  try {
    await program.parseAsync(args, { from: "user" });
    return Number(process.exitCode ?? exitCodes.ok);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    const { reportError } = await import("./report.ts");
    return reportError(error, reportOptions(args));
  }
}

/** The tree of commands. Only the one that is called gets its arguments, unless `all` are wanted. */
export async function makeProgram(args: readonly string[], all = false): Promise<Command> {
  const program = new Command("iovisor")
    .description(description)
    .version(await version(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "print the help of a command")
    .addHelpText("after", epilogue)
    .configureHelp({ subcommandTerm: (command) => command.name(), sortSubcommands: false })
    .showHelpAfterError("(--help shows the arguments)")
    .exitOverride();
  const called = args[0] === "help" ? args[1] : args.find((one) => !one.startsWith("-"));
  for (const row of commands) {
    const command = program.command(row.name).summary(row.summary).description(capital(row.summary)).exitOverride();
    command.showHelpAfterError("(--help shows the arguments)").helpOption("-h, --help", "print this help");
    if (!all && row.name !== called) continue;
    (await row.load()).configure(command);
    if (row.isClient) for (const option of connectionOptions()) command.addOption(option);
    command.addOption(new Option("--debug", "print the stack of an unexpected error"));
  }
  return program;
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}

async function version(): Promise<string> {
  const { readFileSync } = await import("node:fs");
  const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return manifest.version;
}

/** Read from the words themselves: the error may come before or after they were parsed. */
function reportOptions(args: readonly string[]) {
  const json = args.some((one, index) => /^(-o|--output)$/.test(one) && args[index + 1] === "json");
  return {
    debug: args.includes("--debug"),
    verifierLog: args.includes("--verifier-log"),
    output: json || args.includes("--output=json") || args.includes("-ojson") ? "json" : "table",
  } as const;
}
