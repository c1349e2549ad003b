/**
 * The errors that IO Visor raises on purpose. Each has a stable code (listed in docs/errors.md), says what and where,
 * and how to mend it.
 */
export class IovisorError extends Error {
  override readonly name: string = "IovisorError";
  /** Stable, for example "E_NO_DEVICE". */
  readonly code: ErrorCode;
  /** One sentence that says what to do. */
  readonly remedy: string;

  constructor(code: ErrorCode, message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.remedy = remedy;
  }
}

/** Something that this kernel, machine or hook cannot do. `feature` names it, `minimumKernel` where one is known. */
export class NotSupported extends IovisorError {
  override readonly name = "NotSupported";
  readonly feature: string;
  readonly minimumKernel: string | undefined;

  constructor(feature: string, message: string, options: { minimumKernel?: string; remedy?: string } = {}) {
    const since = options.minimumKernel ? ` (Linux ${options.minimumKernel} or later has it)` : "";
    super(
      "E_NOT_SUPPORTED",
      message + since,
      options.remedy ?? "run `iovisor doctor` to see what this machine permits",
    );
    this.feature = feature;
    this.minimumKernel = options.minimumKernel;
  }
}

/** Every code with its meaning; a test holds docs/errors.md equal to this table. */
export const errorCodes = {
  E_NOT_SUPPORTED: "the kernel, the machine or the hook lacks a feature",
  E_PERMISSION: "the process may not do this",
  E_SYSCALL: "the kernel refused a call for a reason that has no code of its own",
  E_NO_DEVICE: "no network device of that name in that namespace",
  E_NO_NAMESPACE: "no network namespace of that name",
  E_VERIFIER: "the kernel's verifier refused a program",
  E_BUSY: "another owner's program or object is in the way",
  E_FULL: "a map has no room for another entry",
  E_FORMAT: "a file (HIR, BTF, ELF, capture, IR text) is not well formed",
  E_USAGE: "a command or a call was given arguments that do not fit",
  E_DIAGNOSTICS: "kernel code was refused by the compiler; the diagnostics say where and why",
  E_CONFLICT: "something was changed by somebody else in the meantime",
  E_SETTING: "a setting's value does not fit its declaration",
  E_GRAPH: "a graph of functions is not valid; the problems say where and why",
  E_HOST_SIDE: "the host side of a function failed, or does what it should not",
  E_DEGRADED: "the stored graph could not be taken over, and what was asked for needs its functions",
  E_STORE: "the store of revisions and state cannot be read or written",
  E_NOT_FOUND: "what a request names is not there",
  E_UNAUTHORIZED: "a request over the network came without the token",
  E_TOO_LARGE: "a request is larger than the daemon takes",
  E_NO_DAEMON: "no daemon answers where a command looks for it",
  E_CERTIFICATE: "the certificate of a daemon on the network is not to be trusted",
  E_UNEXPECTED: "something went wrong that should not: a defect",
} as const;

export type ErrorCode = keyof typeof errorCodes;
