import { Type } from "typebox";
import { count, type Data, object, oneOf } from "./schema.ts";

export const Devices = object({
  devices: Type.Array(
    object({
      name: Type.String(),
      netns: Type.Optional(Type.String({ description: "absent for the daemon's own" })),
      ifindex: Type.Integer(),
      kind: Type.Optional(Type.String({ description: "veth, bridge; absent for physical devices" })),
      mac: Type.Optional(Type.String()),
      mtu: Type.Integer(),
      up: Type.Boolean(),
      carrier: Type.Boolean(),
      alias: Type.Optional(Type.String({ description: "what the graph calls it" })),
      attached: Type.Array(Type.String(), { description: "hooks where the visor is attached" }),
    }),
  ),
});
export type Devices = Data<typeof Devices>;

export const Program = object({
  id: Type.Integer(),
  tag: Type.String(),
  instructions: Type.Integer({ description: "after the verifier's rewrites" }),
  verifiedInstructions: Type.Integer({ description: "how many the verifier walked" }),
  jitedSize: Type.Integer({ description: "bytes of machine code" }),
  runs: count("counted while kernel.bpf_stats_enabled is on"),
  runNanoseconds: count("counted while kernel.bpf_stats_enabled is on"),
});

export const Pipeline = object({
  key: Type.String({ description: "tcx:sw1" }),
  hook: oneOf(["xdp", "tcx"]),
  functions: Type.Array(Type.String(), { description: "instances in one program, in the order of packets" }),
  cuts: Type.Array(
    object({ link: Type.String(), why: oneOf(["loop", "fan-out", "fan-in", "length", "work", "maps"]) }),
    {
      description: "links at which another pipeline goes on",
    },
  ),
  fewPaths: Type.Optional(
    Type.Literal(true, { description: "its fast form was too much for the verifier: it was made with few paths" }),
  ),
  program: Type.Optional(Program),
});
export type Pipeline = Data<typeof Pipeline>;

export const Pipelines = object({ pipelines: Type.Array(Pipeline) });
export type Pipelines = Data<typeof Pipelines>;

const Degraded = object({
  code: Type.String(),
  message: Type.String(),
  remedy: Type.String(),
  since: Type.String({ description: "ISO 8601, UTC" }),
});

export const Health = object({
  status: oneOf(["ok", "degraded"], "degraded: packets flow, but not all that belongs to the graph is at work"),
  graph: Type.Optional({ ...Degraded, description: "why the stored graph could not be taken over" }),
  hostSides: Type.Optional(
    Type.Array(object({ instance: Type.String(), message: Type.String(), nextStart: Type.String() }), {
      description: "host sides that failed, and are started again",
    }),
  ),
  name: Type.String({ description: "of the data path" }),
  version: Type.String(),
  revision: Type.Integer({ minimum: 0 }),
  generation: Type.Integer({ description: "of the data path: counts commits" }),
  seconds: Type.Number({ description: "since the daemon started" }),
});
export type Health = Data<typeof Health>;

export const eventKinds = ["revision", "devices", "report", "warning", "failure", "recovery"] as const;

/** The data of a server-sent event; its `event` is the kind, its `id` counts up. */
export const Event = object({
  kind: oneOf(eventKinds),
  time: Type.String({ description: "ISO 8601, UTC" }),
  instance: Type.Optional(Type.String()),
  data: Type.Unsafe<Readonly<Record<string, unknown>>>({ type: "object" }),
});
export type Event = Data<typeof Event>;
