import type { Command } from "commander";

/** What a command's file exports. Heavy imports belong into the action: the command line must start fast. */
export interface CommandModule {
  /** Gives a command its arguments, options, help and action. */
  configure(command: Command): void;
}

/** A row of the table of commands. */
export interface CommandRow {
  readonly name: string;
  readonly summary: string;
  /** It talks to the daemon, and has the options that say where that is. */
  readonly isClient?: true;
  load(): Promise<CommandModule>;
}
