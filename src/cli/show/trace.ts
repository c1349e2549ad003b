import type { TraceLine } from "../../api/observe.ts";
import { renderTrace, type TraceStep } from "../../engine/observe/trace.ts";
import { Client } from "../client/client.ts";
import { exitCodes } from "../exit-codes.ts";
import type { ClientArguments } from "../options.ts";
import { stopSignal } from "../run/stop.ts";
import { type ObserveArguments, observeQuery } from "./observe-query.ts";

export interface TraceArguments extends ClientArguments, ObserveArguments {}

/** `iovisor trace`. */
export async function trace(args: TraceArguments): Promise<number> {
  const client = new Client(args);
  const print = async (): Promise<number> => {
    for await (const text of client.lines(`/v1/trace?${observeQuery(args)}`, {})) {
      const line = JSON.parse(text) as TraceLine;
      if (line.kind === "packet") process.stdout.write(`${args.output === "table" ? render(line) : text}\n`);
      if (line.kind === "end" && line.lost !== "0") {
        process.stderr.write(`${line.lost} records were lost: take a narrower --match, or a larger --buffer\n`);
      }
    }
    return exitCodes.ok;
  };
  using signal = stopSignal(undefined);
  return await Promise.race([print(), signal.stopped]);
}

type PacketLine = Extract<TraceLine, { readonly kind: "packet" }>;

function render({ id, timestamp, steps, ...line }: PacketLine): string {
  return renderTrace({
    ...line,
    id: BigInt(id),
    timestamp: BigInt(timestamp),
    steps: steps.map((step) => ({ ...step, outcome: step.outcome as TraceStep["outcome"], rewritten: step.rewritten })),
  });
}
