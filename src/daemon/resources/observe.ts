import { Readable } from "node:stream";
import type { FastifyReply } from "fastify";
import { CaptureQuery, type TraceLine, TraceQuery } from "../../api/observe.ts";
import { capturePcapng } from "../../engine/observe/capture.ts";
import { outcomeText } from "../../engine/observe/outcome-text.ts";
import { readTappedPort } from "../../engine/observe/port-text.ts";
import { type Trace, tracePackets } from "../../engine/observe/trace.ts";
import type { Observation, ObserveRequest } from "../../engine/visor/observe.ts";
import type { TappedPort } from "../../engine/visor/taps.ts";
import type { DaemonContext } from "../context.ts";
import { toJson } from "../json.ts";
import { type Resource, route } from "./resource.ts";

const pcapng = "application/x-pcapng";
const ndjson = "application/x-ndjson";
/** Headers of a packet with what is around them. */
const traceSnap = 256;

/** What packets do in the graph, as long as the connection lasts. */
export const observe: Resource = (app, context) => {
  const capture = route({ summary: "Packets of ports as pcapng, as they come", query: CaptureQuery, media: pcapng });
  app.get<{ Querystring: CaptureQuery }>("/v1/capture", { schema: capture }, async (request, reply) => {
    const { ports: text, direction = "both", count } = request.query;
    const what = direction === "both" ? (["in", "out"] as const) : [direction];
    const links = context.visor.prepared?.model ?? { links: [] };
    const ports: readonly TappedPort[] = text.split(",").map((port) => readTappedPort(port, links, what));
    const observation = await context.visor.observe({ ...requestOf(request.query), ports });
    const stream = Readable.from(capturePcapng(observation, ports, count), { objectMode: false });
    endWith(context, observation, reply, request.query.milliseconds);
    return await reply.type(pcapng).send(stream);
  });

  const summary = "The ways of packets through the functions, a line each; the first line says that it began";
  const trace = route({ summary, query: TraceQuery, media: ndjson });
  app.get<{ Querystring: TraceQuery }>("/v1/trace", { schema: trace }, async (request, reply) => {
    const { count, snap = traceSnap } = request.query;
    const observation = await context.visor.observe({ ...requestOf(request.query), snapBytes: snap });
    const stream = Readable.from(traceLines(observation, count), { objectMode: false });
    endWith(context, observation, reply, request.query.milliseconds);
    return await reply.type(ndjson).send(stream);
  });
};

function requestOf({ filter, snap, buffer }: TraceQuery): ObserveRequest {
  return {
    ...(filter === undefined ? {} : { filter }),
    ...(snap === undefined ? {} : { snapBytes: snap }),
    ...(buffer === undefined ? {} : { bufferBytes: buffer }),
  };
}

/** Ends the observation with the connection, the time that it was given, or the daemon. */
function endWith(
  { events, log }: DaemonContext,
  observation: Observation,
  { raw }: FastifyReply,
  milliseconds: number | undefined,
): void {
  const stop = (): void => {
    observation.stop().catch((error: unknown) => log.warn({ error }, "an observation did not end in order"));
  };
  const timer = milliseconds === undefined ? undefined : setTimeout(stop, milliseconds);
  const daemonEnds = events.subscribe(() => undefined, stop);
  // Not that of the stream: it closes when its generator has ended, which waits for a packet.
  raw.on("close", () => {
    clearTimeout(timer);
    daemonEnds[Symbol.dispose]();
    stop();
  });
  // The client may have gone while the programs were made.
  if (raw.destroyed) stop();
}

async function* traceLines(observation: Observation, most = Number.POSITIVE_INFINITY): AsyncGenerator<string> {
  const line = (value: TraceLine): string => `${toJson(value)}\n`;
  let count = 0;
  yield line({ kind: "started" });
  for await (const trace of tracePackets(observation)) {
    yield line(packetLine(trace));
    if (++count >= most) break;
  }
  yield line({ kind: "end", lost: String(observation.lost) });
}

function packetLine({ id, timestamp, steps, ...trace }: Trace): TraceLine {
  return {
    kind: "packet",
    id: String(id),
    timestamp: String(timestamp),
    ...trace,
    steps: steps.map(({ rewritten, ...step }) => {
      return { ...step, text: outcomeText(step.outcome), ...(rewritten === undefined ? {} : { rewritten }) };
    }),
  };
}
