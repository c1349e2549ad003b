import { exitCodes } from "../exit-codes.ts";

/** Why a run ends, as an exit code. Waiting for it keeps the process alive. */
export interface StopSignal extends Disposable {
  readonly stopped: Promise<number>;
  /** Ends the run from inside. */
  stop(exitCode: number): void;
}

/** Ends a run after `seconds` (0), on Ctrl-C (130), or on SIGTERM and SIGHUP (143). A second signal does not wait. */
export function stopSignal(seconds: number | undefined): StopSignal {
  const { promise, resolve } = Promise.withResolvers<number>();
  const onSignal = (signal: NodeJS.Signals): void => {
    resolve(signal === "SIGINT" ? exitCodes.interrupted : exitCodes.terminated);
    process.once(signal, () => process.exit(exitCodes.failed));
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.once(signal, onSignal);
  const longest = 2 ** 31 - 1;
  const milliseconds = seconds === undefined ? longest : Math.min(seconds * 1000, longest);
  const timer = setTimeout(() => resolve(exitCodes.ok), milliseconds);
  return {
    stopped: promise,
    stop: resolve,
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      for (const signal of signals) process.removeAllListeners(signal);
    },
  };
}
