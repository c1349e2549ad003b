import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { Client } from "../client/client.ts";
import type { ConnectionArguments } from "../client/connection.ts";
import { exitCodes } from "../exit-codes.ts";
import { stopSignal } from "../run/stop.ts";
import { observeQuery } from "./observe-query.ts";

export interface CaptureArguments extends ConnectionArguments {
  readonly write: string;
  readonly direction: string;
  readonly match?: string;
  readonly count?: number;
  readonly for?: number;
  readonly snap?: number;
  readonly buffer?: number;
}

/** `iovisor capture`. */
export async function capture(ports: readonly string[], args: CaptureArguments): Promise<number> {
  const { write, direction } = args;
  const query = observeQuery(args, { ports: ports.join(","), direction });
  const client = new Client(args);
  const response = await client.open("GET", `/v1/capture?${query}`);
  using signal = stopSignal(undefined);
  let ended: number | undefined;
  void signal.stopped.then((code) => {
    ended = code;
    // The daemon ends the capture with the connection.
    response.destroy();
  });
  const file = write === "-" ? process.stdout : createWriteStream(write);
  try {
    await pipeline(
      wholeBlocks(client.chunks(response), () => ended !== undefined),
      file,
      { end: write !== "-" },
    );
  } catch (error) {
    // Whoever read the output has enough of it.
    if (write !== "-" || (error as NodeJS.ErrnoException).code !== "EPIPE") throw error;
  }
  return ended ?? exitCodes.ok;
}

/** The pieces of a pcapng file, cut between blocks: wherever it ends, it can be read. */
async function* wholeBlocks(chunks: AsyncIterable<Buffer>, isEnding: () => boolean): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0);
  try {
    for await (const chunk of chunks) {
      rest = Buffer.concat([rest, chunk]);
      let end = 0;
      while (end + 8 <= rest.length && end + rest.readUInt32LE(end + 4) <= rest.length) {
        end += rest.readUInt32LE(end + 4);
      }
      if (end > 0) yield rest.subarray(0, end);
      rest = rest.subarray(end);
    }
  } catch (error) {
    if (!isEnding()) throw error;
  }
}
