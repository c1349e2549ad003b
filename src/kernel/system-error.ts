/** Turns the error numbers of system calls into the project's errors. */
import { type ErrorCode, IovisorError } from "../errors.ts";
import { errno, errnoText } from "./sys/errno.ts";

/** An error that keeps the kernel's number, so that callers can tell expected refusals from others. */
export class SystemError extends IovisorError {
  /** Positive, as in errno(3). */
  readonly errno: number;

  constructor(code: ErrorCode, message: string, remedy: string, number: number) {
    super(code, message, remedy);
    this.errno = number;
  }
}

/** The error code that fits an error number wherever it comes from, and what usually mends it. */
export function classify(number: number): { code: ErrorCode; remedy: string } {
  switch (number) {
    case errno.EPERM:
    case errno.EACCES:
      return { code: "E_PERMISSION", remedy: "run as root, or with CAP_NET_ADMIN, CAP_SYS_ADMIN and CAP_BPF" };
    case errno.ENODEV:
      return { code: "E_NO_DEVICE", remedy: "list the devices of the namespace with `ip link`" };
    case errno.EBUSY:
    case errno.EEXIST:
      return { code: "E_BUSY", remedy: "remove or rename what is there, or choose another name" };
    case errno.EAGAIN:
      return {
        code: "E_SYSCALL",
        remedy: "a signal came in between, or the kernel was short of something: do it again",
      };
    default:
      return {
        code: "E_SYSCALL",
        remedy: "the kernel's reason is in the message; `iovisor doctor` shows what it permits",
      };
  }
}

/** The error for a call that returned `result` (a negative error number) while doing `action` ("opening /x"). */
export function systemError(action: string, result: number, remedy?: string): SystemError {
  const number = Math.abs(result);
  const usual = classify(number);
  return new SystemError(usual.code, `${action} failed: ${errnoText(number)}`, remedy ?? usual.remedy, number);
}

/** Returns `result` of a system call, or throws {@link systemError} if it is negative. */
export function checked(result: number, action: string, remedy?: string): number {
  if (result < 0) throw systemError(action, result, remedy);
  return result;
}

/** True if `error` carries one of these error numbers. */
export function hasErrno(error: unknown, ...numbers: readonly number[]): boolean {
  return error instanceof SystemError && numbers.includes(error.errno);
}

/** A string as the kernel wants it: UTF-8 with a final zero. */
export function cString(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}
