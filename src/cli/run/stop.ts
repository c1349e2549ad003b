import { exitCodes } from "../exit-codes.ts";

/** Why a run ends, as an exit code. Waiting for it keeps the process alive. */
export interface StopSignal extends Disposable {
  readonly stopped: Promise<number>;
  /** Ends the run from inside. */
  stop(exitCode: number): void;
}

/** What ends a run: 0 after `seconds` or when nobody reads the output, 130 on Ctrl-C, 143 on SIGTERM and SIGHUP. */
export function stopSignal(seconds: number | undefined): StopSignal {
  const { promise, resolve } = Promise.withResolvers<number>();
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping) process.exit(exitCodes.failed); // the second one does not wait
    stopping = true;
    resolve(signal === "SIGINT" ? exitCodes.interrupted : exitCodes.terminated);
  };
  const onReaderGone = (): void => resolve(exitCodes.ok);
  for (const signal of signals) process.on(signal, onSignal);
  process.stdout.on("error", onReaderGone);
  const milliseconds = seconds === undefined ? longestTimer : Math.min(seconds * 1000, longestTimer);
  const timer = setTimeout(() => resolve(exitCodes.ok), milliseconds);
  return {
    stopped: promise,
    stop: resolve,
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      for (const signal of signals) process.off(signal, onSignal);
      process.stdout.off("error", onReaderGone);
    },
  };
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const longestTimer = 2 ** 31 - 1;
