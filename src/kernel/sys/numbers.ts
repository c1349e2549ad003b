/** System call numbers (kernel: arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h). */
const x64 = {
  read: 0,
  write: 1,
  close: 3,
  mmap: 9,
  munmap: 11,
  socket: 41,
  sendto: 44,
  recvfrom: 45,
  recvmsg: 47,
  bind: 49,
  listen: 50,
  getsockname: 51,
  setsockopt: 54,
  getsockopt: 55,
  fcntl: 72,
  flock: 73,
  mount: 165,
  umount2: 166,
  gettid: 186,
  clock_getres: 229,
  unshare: 272,
  pipe2: 293,
  perf_event_open: 298,
  setns: 308,
  bpf: 321,
  membarrier: 324,
} as const;

/** The calls that the kernel interface makes. */
export type SyscallName = keyof typeof x64;

const arm64: Record<SyscallName, number> = {
  read: 63,
  write: 64,
  close: 57,
  mmap: 222,
  munmap: 215,
  socket: 198,
  sendto: 206,
  recvfrom: 207,
  recvmsg: 212,
  bind: 200,
  listen: 201,
  getsockname: 204,
  setsockopt: 208,
  getsockopt: 209,
  fcntl: 25,
  flock: 32,
  mount: 40,
  umount2: 39,
  gettid: 178,
  clock_getres: 114,
  unshare: 97,
  pipe2: 59,
  perf_event_open: 241,
  setns: 268,
  bpf: 280,
  membarrier: 283,
};

/** The numbers of this machine's architecture. */
export const NR: Readonly<Record<SyscallName, number>> = process.arch === "arm64" ? arm64 : x64;
