import fc from "fast-check";
import type { Catalogue, FunctionDescription } from "../catalogue/description.ts";
import {
  type Device,
  deviceHooks,
  type Graph,
  type JsonObject,
  type JsonValue,
  type Link,
  type LinkEnd,
} from "./types.ts";

/** Descriptions for tests: a function with dynamic ports, two with fixed ones. */
export const testCatalogue: Catalogue = new Map(
  [
    described("switch", {
      settings: {
        type: "object",
        properties: { ageing: { type: "integer", minimum: 1 } },
        additionalProperties: false,
      },
      ports: {
        kind: "dynamic",
        maximum: 4,
        settings: {
          type: "object",
          properties: { vlan: { type: "integer", minimum: 1, maximum: 4094 }, mode: { enum: ["access", "trunk"] } },
          additionalProperties: false,
        },
      },
    }),
    described("acl", { ports: { kind: "fixed", names: ["inside", "outside"] } }),
    described("router", {
      ports: {
        kind: "fixed",
        names: ["lan", "wan"],
        settings: { type: "object", properties: { addresses: { type: "array", items: { type: "string" } } } },
      },
    }),
  ].map((one) => [one.kind, one] as const),
);

export function described(kind: string, parts: Partial<FunctionDescription>): FunctionDescription {
  const ports = { kind: "fixed", names: ["in", "out"] } as const;
  const texts = { title: kind, description: `${kind} of a test`, tables: {}, dropReasons: {}, puntReasons: {} };
  return { kind, ...texts, settings: { type: "object" }, ports, ...parts };
}

/** Few names, so that graphs meet; some of them are also properties of every object. */
const name = fc.constantFrom("a", "b", "c", "sw1", "constructor", "toString", "x-1");
const key = fc.constantFrom("rules", "port", "__proto__", "hasOwnProperty", "a b", "0", "");

const { value: jsonValue } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom<JsonValue>(null, true, false, 0, 1, -5, 0.5, "", "text", "ünï"),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(key, tie("value"), { maxKeys: 3, noNullPrototype: true }) as fc.Arbitrary<JsonObject>,
  ),
}));
const config = fc.dictionary(key, jsonValue, { maxKeys: 3, noNullPrototype: true }) as fc.Arbitrary<JsonObject>;

const device: fc.Arbitrary<Device> = fc.record(
  {
    name: fc.constantFrom("eth0", "eth1", "veth-a", "tap*"),
    netns: fc.constantFrom("blue", "red"),
    hook: fc.constantFrom(...deviceHooks),
  },
  { requiredKeys: ["name", "hook"], noNullPrototype: true },
);

const end: fc.Arbitrary<LinkEnd> = fc.oneof(
  fc.record({ kind: fc.constant("port" as const), instance: name, port: name }, { noNullPrototype: true }),
  fc.record({ kind: fc.constantFrom("dev" as const, "host" as const), device: name }, { noNullPrototype: true }),
);

const link: fc.Arbitrary<Link> = fc.record({ from: end, to: end }, { noNullPrototype: true });

/** Graphs of the right shape, whether or not their links make sense. */
export const arbitraryGraph: fc.Arbitrary<Graph> = fc.record(
  {
    functions: fc.dictionary(
      name,
      fc.record(
        {
          kind: fc.constantFrom("switch", "acl", "./mine"),
          config,
          ports: fc.dictionary(name, config, { maxKeys: 4, noNullPrototype: true }),
        },
        { noNullPrototype: true },
      ),
      { maxKeys: 4, noNullPrototype: true },
    ),
    devices: fc.dictionary(name, device, { maxKeys: 3, noNullPrototype: true }),
    links: fc.uniqueArray(link, { maxLength: 5, selector: linkSelector }),
  },
  { noNullPrototype: true },
);

function linkSelector({ from, to }: Link): string {
  return [JSON.stringify(from), JSON.stringify(to)].sort().join();
}

/** Another way to write the same graph: links turned and reordered, keys in reverse; ports keep their order. */
export function rewritten(graph: Graph): Graph {
  const backwards = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(record).reverse());
  return {
    functions: backwards(
      Object.fromEntries(
        Object.entries(graph.functions).map(([key, one]) => [key, { ...one, config: backwards(one.config) }]),
      ),
    ),
    devices: backwards(graph.devices),
    links: graph.links.map(({ from, to }) => ({ from: to, to: from })).reverse(),
  };
}
