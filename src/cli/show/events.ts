import type { Event } from "../../api/machine.ts";
import { Client } from "../client/client.ts";
import { exitCodes } from "../exit-codes.ts";
import { toJson } from "../json.ts";
import type { ClientArguments } from "../options.ts";
import { stopSignal } from "../run/stop.ts";
import { paint } from "../terminal.ts";

export interface EventsArguments extends ClientArguments {
  readonly follow?: true;
}

/** `iovisor events`. */
export async function showEvents(args: EventsArguments): Promise<number> {
  const { output, follow } = args;
  const client = new Client(args);
  const print = async (): Promise<number> => {
    const path = follow ? "/v1/events" : "/v1/events?follow=false";
    for await (const line of client.lines(path, { "last-event-id": "0" })) {
      if (!line.startsWith("data: ")) continue;
      const event = JSON.parse(line.slice("data: ".length)) as Event;
      process.stdout.write(`${output === "table" ? renderEvent(event) : toJson(event)}\n`);
    }
    return exitCodes.ok;
  };
  if (!follow) return await print();
  using signal = stopSignal(undefined);
  return await Promise.race([print(), signal.stopped]);
}

function renderEvent({ time, kind, instance, data }: Event): string {
  const head = `${time} ${paint("cyan", kind)}${instance === undefined ? "" : ` ${instance}`}`;
  const { text, ...more } = data as { readonly text?: string };
  const words = Object.entries(more).map(([name, value]) => {
    return `${name}=${typeof value === "string" && /^\S+$/.test(value) ? value : toJson(value)}`;
  });
  const changes = text === undefined || text === "" ? "" : `\n  ${text.trimEnd().replaceAll("\n", "\n  ")}`;
  return `${[head, ...words].join(" ")}${changes}`;
}
