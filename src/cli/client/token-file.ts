import { readFileSync, statSync } from "node:fs";
import { IovisorError } from "../../errors.ts";

const shortestToken = 16;

/** The token that a daemon on the network asks for. Whoever can read it can run code as root there. @throws E_USAGE */
export function readTokenFile(path: string): string {
  let token: string;
  try {
    token = readFileSync(path, "utf8").trim();
    if ((statSync(path).mode & 0o077) !== 0) throw usage(`${path} can be read by others`, `chmod 600 ${path}`);
  } catch (cause) {
    if (cause instanceof IovisorError) throw cause;
    throw usage(`the token file cannot be read: ${(cause as Error).message}`, "give the path of a file with the token");
  }
  if (token.length >= shortestToken && /^[!-~]+$/.test(token)) return token;
  throw usage(`${path} holds no token of ${shortestToken} characters or more`, "`openssl rand -hex 32` makes one");
}

function usage(message: string, remedy: string): IovisorError {
  return new IovisorError("E_USAGE", message, remedy);
}
