/** The error numbers that maps and helpers return, negative as in the kernel (include/uapi/asm-generic/errno*.h). */
export const Errno = {
  EPERM: -1,
  ENOENT: -2,
  E2BIG: -7,
  EAGAIN: -11,
  ENOMEM: -12,
  EACCES: -13,
  EFAULT: -14,
  EBUSY: -16,
  EEXIST: -17,
  ENODEV: -19,
  EINVAL: -22,
  ENOSPC: -28,
  ERANGE: -34,
  EOPNOTSUPP: -95,
  EALREADY: -114,
  ENOTSUPP: -524,
} as const;
