import { IovisorError } from "../../errors.ts";
import type { Endpoint } from "./connection.ts";

/** What went wrong with a connection, in terms of where it was looked for. */
export function connectionFailure(endpoint: Endpoint, error: NodeJS.ErrnoException): IovisorError {
  return endpoint.kind === "local" ? localFailure(endpoint.path, error) : networkFailure(endpoint, error);
}

function localFailure(path: string, cause: NodeJS.ErrnoException): IovisorError {
  switch (cause.code) {
    case "ENOENT":
    case "ECONNREFUSED":
      return new IovisorError(
        "E_NO_DAEMON",
        `no daemon answers at ${path}`,
        "start one with `iovisor daemon`, or say where it is: --socket PATH (IOVISOR_SOCKET), or --server URL",
        { cause },
      );
    case "EACCES":
    case "EPERM":
      return new IovisorError(
        "E_PERMISSION",
        `you may not use the socket ${path}`,
        "be root, or a member of the daemon's --group",
        { cause },
      );
    default:
      return noAnswer(path, cause);
  }
}

type Network = Extract<Endpoint, { kind: "network" }>;

function networkFailure({ address, host }: Network, cause: NodeJS.ErrnoException): IovisorError {
  const code = cause.code ?? "";
  const untrusted = distrust(address, host, cause);
  if (untrusted) return new IovisorError("E_CERTIFICATE", untrusted.message, untrusted.remedy, { cause });
  switch (code) {
    case "ENOTFOUND":
    case "EAI_AGAIN": {
      const remedy = "check the name in --server (IOVISOR_SERVER), or give an address";
      return new IovisorError("E_NO_DAEMON", `there is no host ${host}`, remedy, { cause });
    }
    case "ECONNREFUSED":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "ETIMEDOUT":
      return new IovisorError(
        "E_NO_DAEMON",
        `no daemon answers at ${address}: ${code}`,
        "start one there with `iovisor daemon --listen`, or check --server (IOVISOR_SERVER)",
        { cause },
      );
    case "EPROTO":
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG": {
      const remedy = "check the port in --server: that of `iovisor daemon --listen` is needed";
      return new IovisorError("E_NO_DAEMON", `what answers at ${address} does not speak TLS`, remedy, { cause });
    }
    default:
      return noAnswer(address, cause);
  }
}

function noAnswer(where: string, cause: NodeJS.ErrnoException): IovisorError {
  if (cause.code === "ECONNRESET") {
    const message = `the connection to the daemon at ${where} broke off`;
    return new IovisorError("E_NO_DAEMON", message, "see whether the daemon is at work; its log says why it ended", {
      cause,
    });
  }
  const message = `the daemon at ${where} gave no answer: ${cause.code ?? cause.message}`;
  return new IovisorError("E_NO_DAEMON", message, "look at the daemon's log", { cause });
}

/** Why a certificate is not trusted: codes of OpenSSL's verification (X509_V_ERR_*) as Node names them. */
function distrust(
  address: string,
  host: string,
  cause: NodeJS.ErrnoException,
): { readonly message: string; readonly remedy: string } | undefined {
  switch (cause.code) {
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "CERT_SIGNATURE_FAILURE":
    case "CERT_UNTRUSTED":
    case "INVALID_CA":
      return {
        message: `the certificate of ${address} was not signed by a CA that is trusted here (${cause.code})`,
        remedy: "give the certificate of the CA that signed it: --ca FILE (IOVISOR_CA)",
      };
    case "CERT_HAS_EXPIRED":
      return {
        message: `the certificate of ${address}, or of its CA, has expired`,
        remedy: "give the daemon a new certificate (--tls-cert) and start it anew; or check the clock",
      };
    case "CERT_NOT_YET_VALID":
      return {
        message: `the certificate of ${address}, or of its CA, is not valid yet`,
        remedy: "check the clocks of both machines",
      };
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return {
        message: `the certificate of ${address} is for other names: ${namesIn(cause) ?? "none"}`,
        remedy: `use one of them in --server, or give the daemon a certificate for ${host}`,
      };
    case "CERT_REVOKED":
    case "INVALID_PURPOSE":
    case "CA_MD_TOO_WEAK":
    case "EE_KEY_TOO_SMALL":
    case "CA_KEY_TOO_SMALL":
    case "EE_MD_TOO_WEAK":
      return {
        message: `the certificate of ${address} is not fit for its purpose: ${cause.code}`,
        remedy: "give the daemon another certificate: --tls-cert, --tls-key",
      };
    default:
      return undefined;
  }
}

function namesIn(error: NodeJS.ErrnoException): string | undefined {
  const { cert } = error as { readonly cert?: { readonly subjectaltname?: string } };
  return cert?.subjectaltname?.replaceAll(/DNS:|IP Address:/g, "");
}
