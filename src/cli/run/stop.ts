import { exitCodes } from "../exit-codes.ts";
import { milliseconds } from "../options.ts";

/** Why a run ends, as an exit code. Waiting for it keeps the process alive. */
export interface StopSignal extends Disposable {
  readonly stopped: Promise<number>;
  /** Ends the run from inside. */
  stop(exitCode: number): void;
}

/** What ends a run: 0 after `seconds` or when nobody reads the output, 130 on Ctrl-C, 143 on SIGTERM, 129 on SIGHUP. */
export function stopSignal(seconds: number | undefined): StopSignal {
  const { promise, resolve } = Promise.withResolvers<number>();
  let stopping = false;
  const onSignal = (signal: StoppingSignal): void => {
    if (stopping) process.exit(exitCodes.failed); // the second one does not wait
    stopping = true;
    resolve(signalCodes[signal]);
  };
  const onOutputLost = ({ code }: NodeJS.ErrnoException): void =>
    resolve(code === "EPIPE" ? exitCodes.ok : exitCodes.failed);
  for (const signal of signals) process.on(signal, onSignal);
  process.stdout.on("error", onOutputLost);
  // Without an end, too: waiting for the timer keeps the process alive.
  const timer = setInterval(() => seconds !== undefined && resolve(exitCodes.ok), milliseconds(seconds ?? Infinity));
  return {
    stopped: promise,
    stop: resolve,
    [Symbol.dispose]: () => {
      clearInterval(timer);
      for (const signal of signals) process.off(signal, onSignal);
      process.stdout.off("error", onOutputLost);
    },
  };
}

const signalCodes = {
  SIGHUP: exitCodes.hungUp,
  SIGINT: exitCodes.interrupted,
  SIGTERM: exitCodes.terminated,
} as const;
type StoppingSignal = keyof typeof signalCodes;
const signals = Object.keys(signalCodes) as StoppingSignal[];
