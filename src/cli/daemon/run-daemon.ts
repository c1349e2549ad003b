import type { NetworkOptions } from "../../daemon/daemon.ts";
import { IovisorError } from "../../errors.ts";
import { readTokenFile } from "../client/token-file.ts";
import type { DaemonArguments } from "../commands/daemon.ts";
import { exitCodes } from "../exit-codes.ts";
import { isTerminal } from "../terminal.ts";

/** `iovisor daemon`: runs until it is told to end. */
export async function runDaemon(args: DaemonArguments): Promise<number> {
  if (!/^[a-zA-Z][a-zA-Z0-9_-]{0,30}$/.test(args.name)) {
    throw new IovisorError("E_USAGE", `"${args.name}" is no name`, "use a letter, then letters, digits, _ or -");
  }
  const network = networkOptions(args);
  const { Daemon } = await import("../../daemon/daemon.ts");
  const { makeLog } = await import("../../daemon/log.ts");
  const log = makeLog(args.logLevel, isTerminal());
  const { promise: stopped, resolve: stop } = Promise.withResolvers<NodeJS.Signals>();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, stop);
  // Requests are served while something else fails: what nobody expected is logged, and the data path goes on.
  process.on("unhandledRejection", (error) => log.error({ error }, "unexpected failure"));
  {
    const { name, state, socket, group } = args;
    await using _daemon = await Daemon.start({
      ...{ name, state, socket, group, network, log },
      teardown: args.teardown === true,
    });
    log.info({ signal: await stopped }, "the daemon ends");
  }
  return exitCodes.ok;
}

function networkOptions({ listen, tlsCert, tlsKey, tokenFile }: DaemonArguments): NetworkOptions | undefined {
  if (listen === undefined) {
    if (tlsCert === undefined && tlsKey === undefined && tokenFile === undefined) return undefined;
    throw usage("--tls-cert, --tls-key and --token-file are for the network", "add --listen HOST:PORT");
  }
  if (tlsCert === undefined || tlsKey === undefined) {
    throw usage("the network is served with TLS only", "add --tls-cert FILE and --tls-key FILE");
  }
  if (tokenFile === undefined) throw usage("the network is served with a token only", "add --token-file FILE");
  const { host = "", port = "" } = /^\[?(?<host>[^\]]+)\]?:(?<port>\d{1,5})$/.exec(listen)?.groups ?? {};
  if (host === "" || Number(port) > 65535) throw usage(`"${listen}" is no HOST:PORT`, "write 192.0.2.1:8443");
  return { host, port: Number(port), certificate: tlsCert, key: tlsKey, token: readTokenFile(tokenFile) };
}

function usage(message: string, remedy: string): IovisorError {
  return new IovisorError("E_USAGE", message, remedy);
}
