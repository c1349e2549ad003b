import { type Command, Option } from "commander";
import { socketPath } from "../client/socket-path.ts";

const help = `
The daemon keeps one graph of functions in the kernel and serves it at a unix socket (rw-rw----, root and --group), by
REST: GET /v1/openapi.json describes it. It runs in the foreground and logs to its output, a line of JSON each. When it
ends, by whatever cause, packets flow on as the graph says; the next start takes over. Over the network it listens only
with TLS and a token; commands reach it there with --server. Whoever may use either can run code as root: a function's
host side runs in the daemon.

Examples:
  iovisor daemon
  iovisor daemon --group netadmin
  iovisor daemon --listen 192.0.2.1:8443 --tls-cert cert.pem --tls-key key.pem --token-file token`;

export interface DaemonArguments {
  readonly name: string;
  readonly state: string;
  readonly socket: string;
  readonly group?: string;
  readonly listen?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tokenFile?: string;
  readonly logLevel: string;
  readonly teardown?: true;
}

export function configure(command: Command): void {
  command
    .option("--name <name>", "of the data path; there is one daemon for each", "main")
    .option(
      "--state <folder>",
      "where revisions are kept, and npm packages of functions looked for",
      "/var/lib/iovisor",
    )
    .option("--socket <path>", "unix socket to serve", socketPath())
    .option("--group <name>", "group whose members may use the socket")
    .option("--listen <host:port>", "serve the network as well, with TLS")
    .option("--tls-cert <file>", "certificate (PEM), for --listen")
    .option("--tls-key <file>", "its key (PEM), for --listen")
    .option("--token-file <file>", "file with the token that requests over the network must show, for --listen")
    .addOption(
      new Option("--log-level <level>", "what is logged").choices(["debug", "info", "warn", "error"]).default("info"),
    )
    .option("--teardown", "take the data path off the machine at the end")
    .addHelpText("after", help)
    .action(async (options: DaemonArguments) => {
      const { runDaemon } = await import("../daemon/run-daemon.ts");
      process.exitCode = await runDaemon(options);
    });
}
