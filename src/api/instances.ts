import { Type } from "typebox";
import { count, type Data, json, object, oneOf, openObject } from "./schema.ts";

export const PortCounters = object({
  inPackets: count("packets that came in on the port"),
  inBytes: count("their bytes"),
  outPackets: count("packets that were sent out of the port"),
  outBytes: count("their bytes"),
});

export const DropCounter = object({
  reason: Type.String(),
  description: Type.String(),
  packets: count("packets dropped for it"),
  bytes: count("their bytes"),
});

const InstanceState = oneOf(["ok", "degraded"]);

const HostSide = object({
  state: oneOf(["running", "failed"]),
  failures: Type.Integer({ description: "how often something of it failed" }),
  message: Type.Optional(Type.String({ description: "of the last failure" })),
  time: Type.Optional(Type.String({ description: "of the last failure: ISO 8601, UTC" })),
  nextStart: Type.Optional(Type.String({ description: "when one that failed is started again: ISO 8601, UTC" })),
});

export const Instances = object({
  instances: Type.Array(
    object({
      name: Type.String(),
      kind: Type.String(),
      ports: Type.Integer(),
      packets: count("packets that came in on its ports"),
      drops: count("packets that it dropped"),
      state: InstanceState,
    }),
  ),
});
export type Instances = Data<typeof Instances>;

export const PortDevice = object({
  name: Type.String(),
  ifindex: Type.Integer(),
  mac: Type.Optional(Type.String()),
  mtu: Type.Integer(),
});

export const Port = object({
  name: Type.String(),
  number: Type.Integer({ description: "what kernel code knows the port by" }),
  config: openObject("as the graph has it"),
  link: Type.Optional(Type.String({ description: "the other end of its link" })),
  device: Type.Optional(PortDevice),
  counters: PortCounters,
});

export const Column = object({
  name: Type.String(),
  title: Type.String(),
  type: oneOf(["text", "number", "boolean"]),
  key: Type.Boolean({ description: "a member of the key; others are members of the value" }),
  computed: Type.Boolean({ description: "only shown: entries that are added leave it out" }),
});

export const Table = object({
  name: Type.String(),
  description: Type.String(),
  holds: oneOf(["state", "configuration"]),
  maximumEntries: Type.Optional(Type.Integer({ description: "absent where it grows with the configuration" })),
  columns: Type.Optional(Type.Array(Column, { description: "where the function says how entries are shown" })),
});

export const Instance = object({
  name: Type.String(),
  kind: Type.String(),
  title: Type.String(),
  config: openObject("as the graph has it"),
  ports: Type.Array(Port),
  drops: Type.Array(DropCounter, { description: "reasons that occurred" }),
  tables: Type.Array(Table),
  pipelines: Type.Array(Type.String()),
  state: InstanceState,
  hostSide: Type.Optional(HostSide),
});
export type Instance = Data<typeof Instance>;

export const InstanceCounters = object({
  ports: Type.Record(Type.String(), PortCounters),
  drops: Type.Array(DropCounter, { description: "every reason" }),
});
export type InstanceCounters = Data<typeof InstanceCounters>;

export const Tables = object({ tables: Type.Array(Table) });
export type Tables = Data<typeof Tables>;

export const Entry = object({
  key: json("bytes are hexadecimal digits, integers beyond 53 bits texts of digits"),
  value: json("of a per-CPU table a list: one value for each processor"),
});
export type Entry = Data<typeof Entry>;

export const TablePage = object({
  entries: Type.Array(Entry),
  cursor: Type.Optional(Type.String({ description: "where the next page begins" })),
});
export type TablePage = Data<typeof TablePage>;

export const PageQuery = object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, default: 1000 })),
  cursor: Type.Optional(Type.String({ maxLength: 2048 })),
});
export type PageQuery = Data<typeof PageQuery>;

export const NewEntries = object({ entries: Type.Array(Entry, { minItems: 1, maxItems: 100_000 }) });
export type NewEntries = Data<typeof NewEntries>;

export const Keys = object({ keys: Type.Array(json("a key"), { minItems: 1, maxItems: 100_000 }) });
export type Keys = Data<typeof Keys>;

export const Written = object({ written: Type.Integer() });
export type Written = Data<typeof Written>;
export const Deleted = object({ deleted: Type.Integer({ description: "keys that were there" }) });
export type Deleted = Data<typeof Deleted>;
