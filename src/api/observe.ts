import { Type } from "typebox";
import { type Data, object, oneOf } from "./schema.ts";

const common = {
  filter: Type.Optional(Type.String({ maxLength: 1000, description: 'such as "ip 10.0.0.1 tcp 443"' })),
  snap: Type.Optional(Type.Integer({ minimum: 1, maximum: 16384, description: "bytes of each packet at most" })),
  buffer: Type.Optional(Type.Integer({ description: "bytes of the ring in the kernel: a power of two from 65536" })),
  count: Type.Optional(Type.Integer({ minimum: 1, description: "ends after so many" })),
  milliseconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400_000, description: "ends after so long" })),
};

export const captureDirections = ["in", "out", "both", "dropped"] as const;

export const CaptureQuery = object({
  ports: Type.String({
    description: 'joined by commas: "sw1.lan1", "sw1" for all its ports, "dev:lan1", "sw1.uplink -> fw.inside"',
    minLength: 1,
  }),
  direction: Type.Optional(oneOf(captureDirections, "both when left out")),
  ...common,
});
export type CaptureQuery = Data<typeof CaptureQuery>;

export const TraceQuery = object(common);
export type TraceQuery = Data<typeof TraceQuery>;

const digits = (description: string) => Type.String({ pattern: "^[0-9]{1,20}$", description });

/** A line of a trace. */
export const TraceLine = Type.Union([
  object({ kind: oneOf(["started"]) }),
  object({
    kind: oneOf(["packet"]),
    id: digits("of the packet"),
    timestamp: digits("nanoseconds since 1970"),
    length: Type.Integer(),
    packet: Type.String({ description: "its headers as it came in" }),
    complete: Type.Boolean({ description: "false where records were lost on its way" }),
    steps: Type.Array(
      object({
        instance: Type.String(),
        port: Type.String({ description: "that it came in on" }),
        after: Type.Number({ description: "nanoseconds since it was met first" }),
        outcome: Type.Unsafe<{ readonly kind: string }>({ type: "object", description: "the function's verdict" }),
        text: Type.String({ description: "the same for people" }),
        rewritten: Type.Optional(Type.String({ description: "its headers, where the function changed them" })),
      }),
    ),
  }),
  object({ kind: oneOf(["end"]), lost: digits("records for which the ring had no room") }),
]);
export type TraceLine = Data<typeof TraceLine>;
