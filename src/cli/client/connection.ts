import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { getCACertificates } from "node:tls";
import { IovisorError } from "../../errors.ts";
import { socketPath } from "./socket-path.ts";
import { readTokenFile } from "./token-file.ts";

/** Where a command looks for the daemon, as its options say. */
export interface ConnectionArguments {
  readonly socket?: string;
  readonly server?: string;
  readonly tokenFile?: string;
  readonly ca?: string;
}

/** Where the daemon is, with what proves to it who asks, and to the asker that it is the daemon. */
export type Endpoint =
  | { readonly kind: "local"; readonly path: string }
  | {
      readonly kind: "network";
      /** As people name it. */
      readonly address: string;
      readonly host: string;
      readonly port: number;
      readonly token: string | undefined;
      /** PEM. Undefined: those that the machine trusts. */
      readonly authorities: string | undefined;
    };

type Environment = Readonly<Record<string, string | undefined>>;

/** Options come before the environment. @throws E_USAGE */
export function endpointOf(args: ConnectionArguments, environment: Environment = process.env): Endpoint {
  const { socket, server, tokenFile, ca } = args;
  if (socket !== undefined && server !== undefined) throw usage("--socket and --server are two places", "give one");
  const remote = server ?? (socket === undefined ? nonEmpty(environment["IOVISOR_SERVER"]) : undefined);
  if (remote === undefined) {
    if (tokenFile === undefined && ca === undefined) return { kind: "local", path: socket ?? socketPath(environment) };
    throw usage("--token-file and --ca are for a daemon on the network", "add --server https://HOST:PORT");
  }
  const token = tokenFile ?? nonEmpty(environment["IOVISOR_TOKEN_FILE"]);
  const authorities = ca ?? nonEmpty(environment["IOVISOR_CA"]);
  return {
    kind: "network",
    ...addressOf(remote),
    token: token === undefined ? undefined : readTokenFile(token),
    authorities: authorities === undefined ? undefined : readAuthorities(authorities),
  };
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

const defaultPort = 443;

function addressOf(text: string): { readonly address: string; readonly host: string; readonly port: number } {
  const url = URL.parse(text);
  if (url?.protocol === "http:") throw usage("a daemon on the network is served over TLS only", "write https://");
  if (url?.protocol !== "https:") throw usage(`"${text}" is no address of a daemon`, "write https://HOST:PORT");
  if (url.username !== "" || url.password !== "" || url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    throw usage(`"${withoutSecrets(url)}" says more than where the daemon is`, `write https://${url.host}`);
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return { address: `https://${url.host}`, host, port: url.port === "" ? defaultPort : Number(url.port) };
}

function withoutSecrets(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

/** Node passes over what it cannot read of certificates, and would say later that it trusts nobody. */
function readAuthorities(path: string): string {
  let pem: string;
  try {
    pem = readFileSync(path, "utf8");
  } catch (cause) {
    throw usage(`the certificates of --ca cannot be read: ${(cause as Error).message}`, "give the path of a PEM file");
  }
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  const isCertificate = (text: string): boolean => {
    try {
      return new X509Certificate(text).raw.length > 0;
    } catch {
      return false;
    }
  };
  if (certificates.length > 0 && certificates.every(isCertificate)) return pem;
  throw usage(`${path} holds no certificate in PEM form`, "give the certificate of the CA that signed the daemon's");
}

/** Unless one is given, those of Node and of the machine: an administrator adds to the latter. */
export function authoritiesOf({ authorities }: Extract<Endpoint, { kind: "network" }>): readonly string[] {
  return authorities !== undefined ? [authorities] : [...getCACertificates("default"), ...getCACertificates("system")];
}

function usage(message: string, remedy: string): IovisorError {
  return new IovisorError("E_USAGE", message, remedy);
}
