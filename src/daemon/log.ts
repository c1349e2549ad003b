import { type DestinationStream, type Logger, pino } from "pino";

export type Log = Logger;

/** A line of JSON each; on a terminal lines for people. */
export function makeLog(level: string, terminal: boolean): Log {
  const options = {
    level,
    base: null,
    errorKey: "error",
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return terminal ? pino(options, lines) : pino(options, pino.destination({ dest: 1, sync: true }));
}

const shownElsewhere = new Set(["level", "time", "msg", "error"]);

const lines: DestinationStream = {
  write(text: string): void {
    const record = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const { level, time, msg } = record;
    const more = Object.entries(record).filter(([name]) => !shownElsewhere.has(name));
    const fields = more.map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
    const error = record["error"] as { readonly stack?: string } | undefined;
    const head = [String(time).slice(11, 23), String(level).padEnd(5), msg, ...fields].join(" ");
    process.stdout.write(`${head}\n${error?.stack ? `${error.stack}\n` : ""}`);
  },
};
