/** Where the daemon is looked for unless --socket says otherwise. */
export function socketPath(): string {
  return process.env["IOVISOR_SOCKET"] ?? "/run/iovisor.sock";
}
