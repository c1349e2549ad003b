import type { FastifyError } from "fastify";
import type { Fault, Problem } from "../api/problem.ts";
import { DiagnosticsError } from "../engine/diagnostics-error.ts";
import { GraphError } from "../engine/graph/problems.ts";
import { type ErrorCode, errorCodes, IovisorError } from "../errors.ts";

/** A request was refused for faults at places in its body. */
export class RequestError extends IovisorError {
  override readonly name = "RequestError";
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[], code: ErrorCode = "E_USAGE") {
    const [first] = faults;
    const message = faults.map(({ place, message: text }) => (place === "" ? text : `${place}: ${text}`)).join("\n");
    super(code, message, first?.remedy ?? "");
    this.faults = faults;
  }
}

/** The condition of a request's header does not hold. */
export class PreconditionError extends IovisorError {
  override readonly name = "PreconditionError";

  constructor(message: string) {
    super("E_CONFLICT", message, "get the graph as it is now, and make the change again");
  }
}

export function notFound(what: string, remedy: string): IovisorError {
  return new IovisorError("E_NOT_FOUND", `there is no ${what}`, remedy);
}

const statuses: Readonly<Record<ErrorCode, number>> = {
  E_NOT_SUPPORTED: 501,
  E_PERMISSION: 500,
  E_SYSCALL: 500,
  E_NO_DEVICE: 422,
  E_NO_NAMESPACE: 422,
  E_VERIFIER: 500,
  E_BUSY: 409,
  E_FULL: 409,
  E_FORMAT: 400,
  E_USAGE: 400,
  E_DIAGNOSTICS: 422,
  E_CONFLICT: 409,
  E_SETTING: 422,
  E_GRAPH: 422,
  E_HOST_SIDE: 422,
  E_DEGRADED: 409,
  E_STORE: 503,
  E_NOT_FOUND: 404,
  E_UNAUTHORIZED: 401,
  E_TOO_LARGE: 413,
  E_NO_DAEMON: 500,
  E_CERTIFICATE: 500,
  E_UNEXPECTED: 500,
};

export function problemOf(error: unknown): Problem {
  if (!(error instanceof IovisorError)) return fromServer(error);
  const status = error instanceof PreconditionError ? 412 : statuses[error.code];
  const faults = faultsOf(error);
  const [first] = faults;
  return {
    ...problem(error.code, status, error.message, error.remedy),
    ...(first ? { pointer: first.pointer, faults } : {}),
    ...(error instanceof DiagnosticsError ? { diagnostics: error.diagnostics.map(plainDiagnostic) } : {}),
  };
}

function plainDiagnostic({ file, line, column, code, message }: DiagnosticsError["diagnostics"][number]) {
  return { file, line, column, code, message };
}

function faultsOf(error: IovisorError): readonly Fault[] {
  if (error instanceof RequestError) return error.faults;
  if (!(error instanceof GraphError)) return [];
  return error.problems.map(({ path, place, message, remedy }) => ({ pointer: path, place, message, remedy }));
}

function problem(code: ErrorCode, status: number, detail: string, remedy: string): Problem {
  return { type: `urn:iovisor:error:${code}`, title: errorCodes[code], status, detail, code, remedy };
}

/** What the HTTP server itself has against a request, or a defect. */
function fromServer(error: unknown): Problem {
  const { statusCode = 500, code, message = String(error) } = error as Partial<FastifyError>;
  switch (code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return problem("E_TOO_LARGE", 413, "the body is larger than the daemon takes", "send less at once");
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return problem("E_FORMAT", 415, "the body is not JSON", "send it with `Content-Type: application/json`");
  }
  if (statusCode >= 400 && statusCode < 500) {
    const badSyntax = error instanceof SyntaxError || code?.startsWith("FST_ERR_CTP");
    return problem(badSyntax ? "E_FORMAT" : "E_USAGE", statusCode, message, "mend the request");
  }
  return problem("E_UNEXPECTED", 500, "the daemon failed at this request", "its log has the cause; please report it");
}
