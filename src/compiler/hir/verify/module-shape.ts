import { mostPacketBytes } from "../packet-record.ts";
import {
  type Callback,
  hirVersion,
  type Local,
  type MapDeclaration,
  type Module,
  type Program,
  type SettingDeclaration,
} from "../tree.ts";
import { moduleInterface } from "./interface.ts";
import { layout } from "./layout-shape.ts";
import { statements } from "./node-shape.ts";
import {
  describe,
  index,
  integer,
  listOf,
  name,
  oneOf,
  optional,
  position,
  type RecordShape,
  record,
  type Shape,
  tagged,
  text,
  under,
  wide,
} from "./shape.ts";
import { type } from "./type-shape.ts";

const least = -(2n ** 63n);
const most = 2n ** 64n - 1n;
const integerName = oneOf("u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64");
export const narrowInteger = oneOf("u8", "u16", "u32", "i8", "i16", "i32");
const format = oneOf("ipv4", "ipv6", "mac", "cidr4", "cidr6");
const kind = text;

/** Any nesting of values; `settings.ts` holds it against its type. */
const settingValue: Shape = {
  check(value, path, context) {
    if (typeof value === "bigint" || typeof value === "boolean" || typeof value === "string") return;
    if (typeof value !== "object" || value === null)
      return context.report.add(path, `expected a value, got ${describe(value)}`);
    if (context.depth > 64) return context.report.add(path, "a value nested more than 64 levels deep");
    context.depth++;
    for (const [key, inner] of Object.entries(value)) {
      if (context.report.full) break;
      settingValue.check(inner, under(path, Array.isArray(value) ? Number(key) : key), context);
    }
    context.depth--;
  },
};

const settingType: Shape = tagged("a setting's type", () => settingTypes);
const maxItems = optional(integer(0, 2 ** 20));
const enumMember: Shape = {
  check(value, path, context) {
    if (!Array.isArray(value) || value.length !== 2) return context.report.add(path, "expected a name and a number");
    name.check(value[0], under(path, 0), context);
    wide(least, most).check(value[1], under(path, 1), context);
  },
};
const settingTypes: Readonly<Record<string, Shape>> = {
  integer: record<{ kind: 1; name: 1; minimum: 1; maximum: 1 }>({
    kind,
    name: integerName,
    minimum: optional(wide(least, most)),
    maximum: optional(wide(least, most)),
  }),
  bool: record<{ kind: 1 }>({ kind }),
  enum: record<{ kind: 1; name: 1; members: 1 }>({ kind, name, members: listOf(enumMember, 65536, 1) }),
  struct: record<{ kind: 1; fields: 1 }>({
    kind,
    fields: listOf(
      record<{ name: 1; type: 1; description: 1 }>({ name, type: settingType, description: optional(text) }),
      1024,
    ),
  }),
  list: record<{ kind: 1; element: 1; maxItems: 1 }>({ kind, element: settingType, maxItems }),
  set: record<{ kind: 1; element: 1; maxItems: 1 }>({ kind, element: settingType, maxItems }),
  matcher: record<{ kind: 1; matcher: 1; name: 1; format: 1 }>({
    kind,
    matcher: oneOf("exact", "range", "prefix", "set"),
    name: integerName,
    format: optional(format),
  }),
  formatted: record<{ kind: 1; format: 1 }>({ kind, format }),
};

const mapKind = oneOf(
  ...(["array", "hash", "lruHash", "perCpuArray", "perCpuHash", "lruPerCpuHash", "lpmTrie", "ringBuffer"] as const),
  ...(["queue", "stack", "devMap", "devMapHash", "progArray", "arrayOfMaps", "hashOfMaps"] as const),
);

const mapDeclaration = record({
  name,
  kind: mapKind,
  key: optional(layout),
  value: optional(layout),
  maxEntries: integer(1, 2 ** 31),
  packetBytes: optional(integer(1, mostPacketBytes)),
  flags: integer(0, 2 ** 32 - 1),
  inner: optional(index),
  display: optional(
    record<{ title: 1; kind: 1 }>({ title: optional(text), kind: oneOf("table", "histogram", "hidden") }),
  ),
  at: position,
} satisfies RecordShape<Omit<MapDeclaration, "rules">>);

const settingDeclaration = record({
  name,
  type: settingType,
  default: settingValue,
  description: text,
  at: position,
} satisfies RecordShape<SettingDeclaration>);

const local = record({ name, type, width: optional(narrowInteger), at: position } satisfies RecordShape<Local>);

const program = record({
  name,
  kind: oneOf("packet", "tracepoint", "btfTracepoint", "cgroupConnect4", "cgroupConnect6"),
  target: optional(name),
  locals: listOf(local, 65536),
  body: statements,
  at: position,
} satisfies RecordShape<Program>);

const callback = record({
  name,
  kind: oneOf("timer", "element"),
  map: index,
  locals: listOf(local, 65536, 2),
  body: statements,
  at: position,
} satisfies RecordShape<Callback>);

export const moduleShape: Shape = record({
  version: oneOf(hirVersion),
  name,
  sources: listOf(record<{ path: 1; text: 1 }>({ path: text, text }), 1024),
  maps: listOf(mapDeclaration, 64),
  settings: listOf(settingDeclaration, 1024),
  programs: listOf(program, 64),
  interface: optional(moduleInterface),
  callbacks: listOf(callback, 256),
} satisfies RecordShape<Module>);
