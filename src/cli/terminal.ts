import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

/** Text in a colour, where the stream is a terminal that wants colours (`NO_COLOR` and `FORCE_COLOR` decide too). */
export function paint(style: Style, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  return styleText(style, text, { stream, validateStream: true });
}

export function isTerminal(stream: NodeJS.WriteStream = process.stdout): boolean {
  return stream.isTTY === true && process.env["TERM"] !== "dumb";
}

/** Columns and rows of the terminal; a usual size where there is none. */
export function terminalSize(): { readonly columns: number; readonly rows: number } {
  const { columns, rows } = process.stdout;
  return { columns: columns || 100, rows: rows || 30 };
}

const slowMilliseconds = 1000;

/**
 * Says on stderr what is being done, when it is known to be slow or takes longer than a second. On a terminal the line
 * goes away at the end.
 */
export async function withProgress<T>(text: string, work: () => T | Promise<T>, slow = false): Promise<T> {
  const shown = isTerminal(process.stderr);
  const start = (): void => {
    process.stderr.write(shown ? `${paint("dim", `${text}...`, process.stderr)}` : `${text}...\n`);
  };
  let started = slow && shown;
  if (started) start();
  const timer = started
    ? undefined
    : setTimeout(() => {
        started = true;
        start();
      }, slowMilliseconds);
  try {
    return await work();
  } finally {
    clearTimeout(timer);
    if (started && shown) process.stderr.write("\r\x1b[K");
  }
}
