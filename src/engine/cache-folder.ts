import { homedir } from "node:os";
import { join } from "node:path";

/** Where results may be kept from one run to the next: `$XDG_CACHE_HOME/iovisor`, by default `~/.cache/iovisor`. */
export function cacheFolder(): string {
  const base = process.env["XDG_CACHE_HOME"];
  return join(base?.startsWith("/") ? base : join(homedir(), ".cache"), "iovisor");
}
