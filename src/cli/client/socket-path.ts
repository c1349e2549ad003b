export const defaultSocket = "/run/iovisor.sock";

/** The unix socket where the daemon serves, and is looked for, unless --socket says otherwise. */
export function socketPath(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  return environment["IOVISOR_SOCKET"] || defaultSocket;
}
