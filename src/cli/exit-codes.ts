/** What the process ends with; `iovisor --help` and docs list them. */
export const exitCodes = {
  ok: 0,
  /** The work failed; the message says why. */
  failed: 1,
  /** The arguments do not fit. */
  usage: 2,
  /** Ended because the terminal went (128 + SIGHUP), everything cleaned up. */
  hungUp: 129,
  /** Ended by Ctrl-C (128 + SIGINT), everything cleaned up. */
  interrupted: 130,
  /** Ended by SIGTERM, everything cleaned up. */
  terminated: 143,
} as const;
