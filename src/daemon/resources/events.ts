import { PassThrough } from "node:stream";
import { Type } from "typebox";
import { Event } from "../../api/machine.ts";
import { object } from "../../api/schema.ts";
import type { NumberedEvent } from "../events.ts";
import { toJson } from "../json.ts";
import { type Resource, route } from "./resource.ts";

/** Proxies and clients give up connections on which nothing comes. */
const heartbeatMilliseconds = 15_000;
/** A reader that is so far behind is let go. */
const mostBehind = 1 << 20;

const Follow = object({
  follow: Type.Optional(Type.Boolean({ description: "false: only the last events, then the end", default: true })),
});

/** What happens, as server-sent events. */
export const events: Resource = (app, { events: hub }) => {
  const summary = `Events as they happen (data: ${Object.keys(Event.properties).join(", ")}); Last-Event-ID goes on`;
  const schema = route({ summary, query: Follow, media: "text/event-stream" });
  app.get<{ Querystring: { follow?: boolean } }>("/v1/events", { schema }, async (request, reply) => {
    reply.header("cache-control", "no-store").type("text/event-stream");
    const seen = lastSeen(request.headers["last-event-id"]);
    if (request.query.follow === false)
      return reply.send(
        hub
          .after(seen ?? 0)
          .map(messageOf)
          .join(""),
      );
    const stream = new PassThrough();
    const write = (text: string): void => {
      if (stream.writableLength > mostBehind) stream.destroy();
      else stream.write(text);
    };
    const subscription = hub.subscribe(
      (event) => write(messageOf(event)),
      () => stream.end(),
    );
    const heartbeat = setInterval(() => write(":\n\n"), heartbeatMilliseconds);
    heartbeat.unref();
    stream.on("close", () => {
      clearInterval(heartbeat);
      subscription[Symbol.dispose]();
    });
    write(":\n\n");
    if (seen !== undefined) for (const event of hub.after(seen)) write(messageOf(event));
    return reply.send(stream);
  });
};

function lastSeen(header: string | string[] | undefined): number | undefined {
  return typeof header === "string" && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}

function messageOf({ id, ...event }: NumberedEvent): string {
  return `id: ${id}\nevent: ${event.kind}\ndata: ${toJson(event)}\n\n`;
}
