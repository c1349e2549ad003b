import assert from "node:assert/strict";
import { test } from "node:test";
import { IovisorError } from "../../errors.ts";
import { parseFormat, printFormat } from "./formats.ts";
import { resolveSettings } from "./settings.ts";
import { jsonOf, settingsSchema } from "./settings-schema.ts";
import type { SettingDeclaration, SettingType, SettingValue } from "./tree.ts";

function declared(type: SettingType, preset: SettingValue, name = "it"): SettingDeclaration {
  return { name, type, default: preset, description: `what ${name} is for`, at: 0 };
}

function resolved(type: SettingType, preset: SettingValue, given: unknown): SettingValue | undefined {
  return resolveSettings({ settings: [declared(type, preset)] }, { it: given })["it"];
}

function refusal(type: SettingType, preset: SettingValue, given: unknown): string {
  try {
    resolved(type, preset, given);
  } catch (error) {
    assert.ok(error instanceof IovisorError && error.code === "E_SETTING", String(error));
    return error.message;
  }
  return "accepted";
}

const u16: SettingType = { kind: "integer", name: "u16" };
const u64: SettingType = { kind: "integer", name: "u64" };
const limits: SettingType = {
  kind: "struct",
  fields: [
    { name: "rate", type: u64 },
    { name: "burst", type: u16 },
  ],
};
const matcher = (kind: "exact" | "range" | "prefix" | "set", format?: "ipv4" | "ipv6"): SettingType => ({
  kind: "matcher",
  matcher: kind,
  name: format === "ipv6" ? "u64" : format ? "u32" : "u16",
  ...(format ? { format } : {}),
});
const rules: SettingType = {
  kind: "list",
  maxItems: 3,
  element: {
    kind: "struct",
    fields: [
      { name: "source", type: matcher("prefix", "ipv4") },
      { name: "port", type: matcher("range") },
      { name: "rate", type: u16 },
    ],
  },
};

const converted: readonly (readonly [string, SettingType, SettingValue, unknown, SettingValue])[] = [
  ["a JSON number", u16, 1n, 80, 80n],
  ["decimal text", u16, 1n, "80", 80n],
  ["hexadecimal text", u64, 1n, "0xffff_ffff_ffff_ffff", 2n ** 64n - 1n],
  ["a negative integer", { kind: "integer", name: "i8" }, 0n, "-128", -128n],
  ["a bool as text", { kind: "bool" }, false, "true", true],
  [
    "an enum's name",
    {
      kind: "enum",
      name: "Mode",
      members: [
        ["off", 0n],
        ["on", 1n],
      ],
    },
    "off",
    "on",
    "on",
  ],
  ["an IPv4 address", { kind: "formatted", format: "ipv4" }, 0n, "192.0.2.1", 0xc0000201n],
  ["a MAC address", { kind: "formatted", format: "mac" }, 0n, "02:00:00:00:00:ff", 0x0200000000ffn],
  ["an IPv6 address", { kind: "formatted", format: "ipv6" }, 0n, "2001:db8::1", 0x20010db8000000000000000000000001n],
  [
    "a CIDR block with host bits",
    { kind: "formatted", format: "cidr4" },
    "0.0.0.0/0",
    "10.0.0.5/24",
    { address: 0x0a000005n, length: 24n },
  ],
  ["part of a struct", limits, { rate: 1n, burst: 2n }, { burst: 9 }, { rate: 1n, burst: 9n }],
  ["a set with repetitions", { kind: "set", element: u16 }, [], [1, 2, 1], [1n, 2n]],
  [
    "rules",
    rules,
    [],
    [{ source: "10.1.2.3/8", port: "80-90", rate: 5 }, { rate: 6 }],
    [{ source: { address: 0x0a000000n, length: 8n }, port: { low: 80n, high: 90n }, rate: 5n }, { rate: 6n }],
  ],
  ["a single value as a range", matcher("range"), 1n, 80, { low: 80n, high: 80n }],
  ["a set of values", matcher("set"), [], [1, "2"], [1n, 2n]],
];

for (const [what, type, preset, given, expected] of converted) {
  test(`settings convert ${what}, and what was converted again`, () => {
    const value = resolved(type, preset, given);
    assert.deepEqual(value, expected);
    assert.deepEqual(resolved(type, preset, value), expected);
  });
}

const refused: readonly (readonly [string, SettingType, SettingValue, unknown, RegExp])[] = [
  ["a value out of range", u16, 1n, 70000, /it: expected a whole number \(u16\) from 0 to 65535, got 70000/],
  ["a fraction", u16, 1n, 1.5, /got 1.5/],
  ["a declared limit", { ...u16, maximum: 10n } as SettingType, 1n, 11, /from 0 to 10, got 11/],
  ["text that is no number", u16, 1n, "many", /got "many"/],
  ["a number for a bool", { kind: "bool" }, false, 1, /expected true or false, got 1/],
  [
    "an unknown member",
    { kind: "enum", name: "Mode", members: [["off", 0n]] },
    "off",
    "maybe",
    /one of off, got "maybe"/,
  ],
  ["an address with a leading zero", { kind: "formatted", format: "ipv4" }, 0n, "192.0.02.1", /expected ipv4 such as/],
  ["a prefix that is too long", { kind: "formatted", format: "cidr4" }, "0.0.0.0/0", "10.0.0.0/33", /expected cidr4/],
  [
    "an unknown field",
    limits,
    { rate: 1n, burst: 2n },
    { bursts: 1 },
    /it\.bursts: no such field; there is rate, burst/,
  ],
  ["a field of the wrong type", limits, { rate: 1n, burst: 2n }, { burst: "x" }, /it\.burst: expected/],
  ["a rule without a plain field", rules, [], [{ port: 80 }], /it\[0\]\.rate: is missing/],
  ["too many rules", rules, [], [{ rate: 1 }, { rate: 1 }, { rate: 1 }, { rate: 1 }], /at most 3 items, got 4/],
  ["a word as both ends of a range", matcher("range"), 1n, "x", /^setting it: expected [^:]*, got "x"$/],
  ["a range that runs backwards", matcher("range"), 1n, "90-80", /a range whose end is not below its start/],
];

for (const [what, type, preset, given, message] of refused) {
  test(`settings refuse ${what}`, () => assert.match(refusal(type, preset, given), message));
}

test("all faults are named at once, unknown settings among them", () => {
  const module = { settings: [declared(u16, 1n, "a"), declared(u16, 2n, "b")] };
  assert.throws(
    () => resolveSettings(module, { a: -1, b: "x", c: 1 }),
    (error: Error) =>
      /c: no such setting; there is a, b/.test(error.message) &&
      /a: expected/.test(error.message) &&
      /b: expected/.test(error.message),
  );
});

test("settings that are not given have their defaults, converted", () => {
  const module = {
    settings: [declared({ kind: "formatted", format: "ipv4" }, "127.0.0.1", "address"), declared(u16, 2n, "b")],
  };
  assert.deepEqual(resolveSettings(module, {}), { address: 0x7f000001n, b: 2n });
});

test("addresses print as they were written", () => {
  for (const [format, text] of [
    ["ipv4", "192.0.2.1"],
    ["mac", "02:00:00:00:0a:ff"],
    ["ipv6", "2001:db8::1"],
    ["ipv6", "::"],
    ["ipv6", "1::"],
    ["ipv6", "1:2:3:4:5:6:7:8"],
    ["ipv6", "1:0:0:2::3"],
    ["cidr4", "10.0.0.0/8"],
    ["cidr6", "2001:db8::/32"],
  ] as const) {
    assert.equal(printFormat(format, parseFormat(format, text)!), text);
  }
  assert.equal(parseFormat("ipv6", "::ffff:192.0.2.1")?.address, 0xffffc0000201n);
  for (const bad of ["1::2::3", "1:2:3:4:5:6:7", "12345::", "1:2:3:4:5:6:7:8:9", "g::"])
    assert.equal(parseFormat("ipv6", bad), undefined);
});

test("the schema describes what is taken, with defaults and descriptions", () => {
  const schema = settingsSchema({
    name: "limiter",
    settings: [declared(rules, [], "rules"), declared(limits, { rate: 2n ** 60n, burst: 2n }, "limits")],
  });
  assert.deepEqual(JSON.parse(JSON.stringify(schema)), {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "limiter",
    type: "object",
    additionalProperties: false,
    properties: {
      rules: {
        type: "array",
        items: {
          type: "object",
          additionalProperties: false,
          properties: {
            source: { type: "string", pattern: "^[0-9.]+(/[0-9]{1,2})?$", examples: ["192.0.2.0/24"] },
            port: {
              oneOf: [
                { type: "integer", minimum: 0, maximum: 65535 },
                {
                  type: "object",
                  properties: {
                    low: { type: "integer", minimum: 0, maximum: 65535 },
                    high: { type: "integer", minimum: 0, maximum: 65535 },
                  },
                  required: ["low", "high"],
                  additionalProperties: false,
                },
                { type: "string", pattern: "^\\w+-\\w+$" },
              ],
            },
            rate: { type: "integer", minimum: 0, maximum: 65535 },
          },
          required: ["rate"],
        },
        maxItems: 3,
        description: "what rules is for",
        default: [],
      },
      limits: {
        type: "object",
        additionalProperties: false,
        properties: {
          rate: {
            oneOf: [
              { type: "integer", minimum: 0 },
              { type: "string", pattern: "^([0-9]+|0x[0-9a-fA-F]+)$" },
            ],
          },
          burst: { type: "integer", minimum: 0, maximum: 65535 },
        },
        description: "what limits is for",
        default: { rate: "1152921504606846976", burst: 2 },
      },
    },
  });
});

test("values as JSON are taken back as the same values", () => {
  for (const [, type, preset, given] of converted) {
    const value = resolved(type, preset, given)!;
    const json: unknown = JSON.parse(JSON.stringify(jsonOf(type, value)));
    assert.deepEqual(resolved(type, preset, json), value);
  }
});
