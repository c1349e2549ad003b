import { InvalidArgumentError, Option } from "commander";
import type { ConnectionArguments } from "./client/connection.ts";
import { defaultSocket } from "./client/socket-path.ts";

/** `--set`, as often as needed. */
export function settingOption(): Option {
  return new Option("-s, --set <name=value>", "value of a setting; NAME.FIELD for a struct, JSON or @FILE for lists")
    .default([], "the declared defaults")
    .argParser(collect);
}

/** `--few-paths`. */
export function fewPathsOption(): Option {
  return new Option("--few-paths", "in the form for programs that are too much for the verifier (see iovisor check)");
}

/** `-o table|json`. */
export function outputOption(): Option {
  return new Option("-o, --output <format>", "form of the output").choices(["table", "json"]).default("table");
}

export function verifierLogOption(): Option {
  return new Option("--verifier-log", "print the verifier's whole log when it refuses a program");
}

/** For an option that may be given several times. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** A number of seconds, or of anything else that is positive. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value <= 0) {
    throw new InvalidArgumentError("Expected a positive number.");
  }
  return value;
}

/** The longest time that a timer of Node takes: 24 days. */
const longestTimer = 2 ** 31 - 1;

/** Seconds as what a timer takes. */
export function milliseconds(seconds: number): number {
  return Math.min(seconds * 1000, longestTimer);
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("Expected a whole number.");
  return Number(text);
}

/** `-o table|json|yaml`, for what the daemon tells. */
export function formatOption(): Option {
  return new Option("-o, --output <format>", "form of the output").choices(["table", "json", "yaml"]).default("table");
}

/** Where the daemon is, for every command that talks to it. */
export function connectionOptions(): readonly Option[] {
  return [
    new Option("--socket <path>", `the daemon's unix socket (IOVISOR_SOCKET, or else ${defaultSocket})`),
    new Option("--server <url>", "a daemon on the network: https://HOST:PORT (IOVISOR_SERVER)"),
    new Option("--token-file <file>", "its token, for --server (IOVISOR_TOKEN_FILE)"),
    new Option("--ca <file>", "CA that signed its certificate (PEM), for --server (IOVISOR_CA)"),
  ];
}

export function commentOption(): Option {
  return new Option("--comment <text>", "recorded with the revision");
}

/** What every command has that talks to the daemon. */
export interface ClientArguments extends ConnectionArguments {
  readonly output: "table" | "json" | "yaml";
}

export interface ChangeArguments extends ClientArguments {
  readonly comment?: string;
}
