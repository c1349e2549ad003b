import { InvalidArgumentError, Option } from "commander";
import { socketPath } from "./client/socket-path.ts";

/** `--set`, as often as needed. */
export function settingOption(): Option {
  return new Option("-s, --set <name=value>", "value of a setting; NAME.FIELD for a struct, JSON or @FILE for lists")
    .default([], "the declared defaults")
    .argParser(collect);
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

export function socketOption(): Option {
  return new Option("--socket <path>", "the daemon's unix socket (IOVISOR_SOCKET)").default(socketPath());
}

export function commentOption(): Option {
  return new Option("--comment <text>", "recorded with the revision");
}

/** What every command has that talks to the daemon. */
export interface ClientArguments {
  readonly socket: string;
  readonly output: "table" | "json" | "yaml";
}

export interface ChangeArguments extends ClientArguments {
  readonly comment?: string;
}
