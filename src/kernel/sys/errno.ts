/**
 * Linux error numbers: symbolic names and what they mean in words (kernel: include/uapi/asm-generic/errno*.h and, for
 * 524, include/linux/errno.h, which bpf(2) lets through to user space).
 */
const table: readonly (readonly [number, string, string])[] = [
  [1, "EPERM", "operation not permitted"],
  [2, "ENOENT", "no such entry"],
  [3, "ESRCH", "no such process"],
  [4, "EINTR", "interrupted by a signal"],
  [5, "EIO", "input/output error"],
  [6, "ENXIO", "no such device or address"],
  [7, "E2BIG", "too big"],
  [9, "EBADF", "bad file descriptor"],
  [11, "EAGAIN", "try again"],
  [12, "ENOMEM", "out of memory"],
  [13, "EACCES", "access denied"],
  [14, "EFAULT", "bad address"],
  [16, "EBUSY", "in use"],
  [17, "EEXIST", "exists already"],
  [18, "EXDEV", "crosses devices"],
  [19, "ENODEV", "no such device"],
  [20, "ENOTDIR", "not a directory"],
  [21, "EISDIR", "is a directory"],
  [22, "EINVAL", "invalid argument"],
  [23, "ENFILE", "too many open files in the system"],
  [24, "EMFILE", "too many open files in this process"],
  [25, "ENOTTY", "not a terminal, or an ioctl that the device does not know"],
  [27, "EFBIG", "file too large"],
  [28, "ENOSPC", "no space left"],
  [30, "EROFS", "read-only file system"],
  [32, "EPIPE", "broken pipe"],
  [33, "EDOM", "argument out of domain"],
  [34, "ERANGE", "result out of range"],
  [36, "ENAMETOOLONG", "name too long"],
  [38, "ENOSYS", "the kernel does not have this call"],
  [39, "ENOTEMPTY", "directory not empty"],
  [40, "ELOOP", "too many levels"],
  [61, "ENODATA", "no data"],
  [62, "ETIME", "timer expired"],
  [71, "EPROTO", "protocol error"],
  [74, "EBADMSG", "bad message"],
  [75, "EOVERFLOW", "value too large"],
  [88, "ENOTSOCK", "not a socket"],
  [89, "EDESTADDRREQ", "destination address required"],
  [90, "EMSGSIZE", "message too long"],
  [92, "ENOPROTOOPT", "protocol option not available"],
  [93, "EPROTONOSUPPORT", "protocol not supported"],
  [94, "ESOCKTNOSUPPORT", "socket type not supported"],
  [95, "EOPNOTSUPP", "operation not supported"],
  [96, "EPFNOSUPPORT", "protocol family not supported"],
  [97, "EAFNOSUPPORT", "address family not supported"],
  [98, "EADDRINUSE", "address in use"],
  [99, "EADDRNOTAVAIL", "address not available"],
  [100, "ENETDOWN", "network is down"],
  [101, "ENETUNREACH", "network unreachable"],
  [103, "ECONNABORTED", "connection aborted"],
  [104, "ECONNRESET", "connection reset"],
  [105, "ENOBUFS", "no buffer space"],
  [106, "EISCONN", "connected already"],
  [107, "ENOTCONN", "not connected"],
  [110, "ETIMEDOUT", "timed out"],
  [111, "ECONNREFUSED", "connection refused"],
  [112, "EHOSTDOWN", "host is down"],
  [113, "EHOSTUNREACH", "host unreachable"],
  [114, "EALREADY", "already in progress"],
  [115, "EINPROGRESS", "in progress"],
  [116, "ESTALE", "stale"],
  [122, "EDQUOT", "quota exceeded"],
  [524, "ENOTSUPP", "not supported by this kernel"],
];

const byNumber = new Map(table.map(([number, name, text]) => [number, { name, text }]));

/** Error numbers by name, for the names that code compares with. */
export const errno = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  E2BIG: 7,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  ENOSPC: 28,
  ERANGE: 34,
  EOPNOTSUPP: 95,
  ENOBUFS: 105,
  ESTALE: 116,
  ENOTSUPP: 524,
} as const;

/** The name of an error number, positive or negative as calls return it: "EINVAL"; "errno 999" if unknown. */
export function errnoName(number: number): string {
  return byNumber.get(Math.abs(number))?.name ?? `errno ${Math.abs(number)}`;
}

/** Name and meaning: "EINVAL (invalid argument)". */
export function errnoText(number: number): string {
  const entry = byNumber.get(Math.abs(number));
  return entry ? `${entry.name} (${entry.text})` : `errno ${Math.abs(number)}`;
}
