/** Rules as code and rules as data against the plain reading of a list: by the interpreter, the VM and the kernel. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileText } from "../compiler/frontend/testing.ts";
import { interpret } from "../compiler/hir/index.ts";
import { accepts } from "../compiler/hir/interpret/match.ts";
import { resolveSettings } from "../compiler/hir/settings.ts";
import type { RuleForm } from "../compiler/hir/specialise-rules.ts";
import type { Module, SettingType, SettingValue } from "../compiler/hir/tree.ts";
import { RandomSource } from "../compiler/ir/random.ts";
import { skipWithoutBpf } from "../kernel/testing.ts";
import { hooks } from "../language/kinds.ts";
import { link } from "../vm/link.ts";
import { createMap } from "../vm/maps/create.ts";
import { runXdp } from "../vm/run.ts";
import { oldestAbilities } from "./abilities.ts";
import { loadModule } from "./load.ts";
import { mapSpec } from "./map-spec.ts";
import { compilePrepared, prepareModule } from "./prepare.ts";

const source = `
import {
  anyOf, be16, be32, be64, between, bool, bytes, cidr4, cidr6, config, Drop, exact, i16, list, mac, match, oneOf,
  onPacket, Pass, prefix, rule, set, struct, u16, u32, u64, u8,
} from "iovisor/kernel";
const Subject = struct({
  net6: bytes(16), mac: be64, id: be64, net: be32, port: be16, level: i16, protocol: u8, pad: u8,
  found: u8, action: u8, strong: u8, blocked: u8, index: u32, cost: u32, delta: i16, end: u16, big: u64,
});
export const settings = config({
  rules: list(rule({
    net6: prefix(cidr6), mac: exact(mac), id: between(u64), net: prefix(cidr4), port: between(u16),
    level: between(i16), protocol: anyOf(u8),
    action: oneOf("allow", "deny"), cost: u32, delta: i16, strong: bool, big: u64,
  }), "rules", { maxItems: 3000 }),
  blocked: set(prefix(cidr4), "networks"),
});
export const program = onPacket((packet) => {
  const s = packet.at(0, Subject);
  if (!s) return Pass;
  s.blocked = u8(settings.blocked.has(s.net));
  const found = match(settings.rules, {
    net6: s.net6, mac: s.mac & 0xffffffffffffn, id: s.id, net: s.net, port: s.port, level: s.level,
    protocol: s.protocol,
  });
  if (!found) return Pass;
  s.found = 1;
  s.action = found.action === "deny" ? 1 : 2;
  s.strong = u8(found.strong);
  s.index = found.index;
  s.cost = found.cost;
  s.delta = found.delta;
  s.big = found.big;
  return Drop;
});
`;

const size = 80;

type Rule = Readonly<Record<string, unknown>>;
type Subjects = Readonly<Record<"net6" | "mac" | "id" | "net" | "port" | "level" | "protocol", bigint>>;

/** Values from few, so that rules overlap and packets hit; their neighbours too, since ends are where faults are. */
function someValue(random: RandomSource, bits: number): bigint {
  const most = (1n << BigInt(bits)) - 1n;
  const base = [0n, most, 1n << BigInt(bits - 1), 0x0a00_0000_0000_0000_c0a8_0a0a_0102_0304n & most][random.below(4)]!;
  const shift = BigInt(random.below(bits));
  const moved = base + (BigInt(random.below(3)) - 1n) * (1n << shift);
  return moved < 0n ? 0n : moved > most ? most : moved;
}

interface Manner {
  readonly name: string;
  /** In how many of eight rules a matcher is left out. */
  readonly absent: number;
  readonly longPrefixes: boolean;
  readonly fields: readonly (keyof Subjects)[];
}

const all: Manner["fields"] = ["net6", "mac", "id", "net", "port", "level", "protocol"];
const manners: readonly Manner[] = [
  { name: "all wildcards", absent: 8, longPrefixes: false, fields: all },
  { name: "wide and overlapping", absent: 5, longPrefixes: false, fields: all },
  { name: "narrow", absent: 1, longPrefixes: true, fields: ["net", "port", "protocol"] },
  { name: "mixed", absent: 4, longPrefixes: true, fields: all },
  { name: "IPv6", absent: 2, longPrefixes: true, fields: ["net6"] },
  { name: "ranges", absent: 2, longPrefixes: false, fields: ["id", "port", "level"] },
];

function someRule(random: RandomSource, { absent, longPrefixes, fields }: Manner): Rule {
  const length = (bits: number) =>
    BigInt(longPrefixes ? bits / 2 + random.below(bits / 2 + 1) : random.below(bits + 1));
  const range = (bits: number, bias = 0n) => {
    const [a, b] = [someValue(random, bits), someValue(random, bits)];
    return a < b ? { low: a - bias, high: b - bias } : { low: b - bias, high: a - bias };
  };
  const matchers: Readonly<Record<keyof Subjects, () => unknown>> = {
    net6: () => ({ address: someValue(random, 128), length: length(128) }),
    mac: () => someValue(random, 48),
    id: () => range(64),
    net: () => ({ address: someValue(random, 32), length: length(32) }),
    port: () => range(16),
    level: () => range(16, 0x8000n),
    protocol: () => Array.from({ length: random.below(4) }, () => someValue(random, 8)),
  };
  const chosen = fields.filter(() => random.below(8) >= absent);
  return {
    ...Object.fromEntries(chosen.map((name) => [name, matchers[name]()])),
    action: random.below(2) === 0 ? "allow" : "deny",
    cost: random.below(5) * 1000,
    delta: random.below(9) - 4,
    strong: random.below(2) === 0,
    big: someValue(random, 64),
  };
}

function someSubjects(random: RandomSource, rules: readonly Rule[]): Subjects {
  const subjects = {
    net6: someValue(random, 128),
    mac: someValue(random, 48),
    id: someValue(random, 64),
    net: someValue(random, 32),
    port: someValue(random, 16),
    level: someValue(random, 16) - 0x8000n,
    protocol: someValue(random, 8),
  };
  const near = rules[random.below(rules.length + 1)];
  if (!near) return subjects;
  for (const name of all) {
    const value = near[name];
    if (value === undefined || random.below(8) === 0) continue;
    subjects[name] = insideOf(value as SettingValue, random) ?? subjects[name];
  }
  return subjects;
}

function insideOf(value: SettingValue, random: RandomSource): bigint | undefined {
  if (typeof value === "bigint") return value;
  if (Array.isArray(value)) return value[random.below(value.length)] as bigint | undefined;
  const { low, high, address } = value as Readonly<Record<string, bigint>>;
  return address ?? (random.below(2) === 0 ? low : high);
}

function packetOf(subjects: Subjects): Uint8Array {
  const packet = new Uint8Array(size);
  const view = new DataView(packet.buffer);
  view.setBigUint64(0, subjects.net6 >> 64n);
  view.setBigUint64(8, BigInt.asUintN(64, subjects.net6));
  view.setBigUint64(16, subjects.mac);
  view.setBigUint64(24, subjects.id);
  view.setUint32(32, Number(subjects.net));
  view.setUint16(36, Number(subjects.port));
  view.setInt16(38, Number(subjects.level), true);
  view.setUint8(40, Number(subjects.protocol));
  return packet;
}

/** The plain reading: the first rule all of whose matchers accept. */
function expectedPacket(module: Module, values: Readonly<Record<string, SettingValue>>, subjects: Subjects) {
  const type = module.settings[0]!.type as Extract<SettingType, { kind: "list" }>;
  const fields = (type.element as Extract<SettingType, { kind: "struct" }>).fields;
  const rules = values["rules"] as readonly Readonly<Record<string, SettingValue>>[];
  const index = rules.findIndex((rule) =>
    all.every((name) => {
      const matcher = fields.find((one) => one.name === name)!.type as Extract<SettingType, { kind: "matcher" }>;
      return rule[name] === undefined || accepts(matcher, rule[name], subjects[name]);
    }),
  );
  const packet = packetOf(subjects);
  const view = new DataView(packet.buffer);
  const blocks = values["blocked"] as readonly { readonly address: bigint; readonly length: bigint }[];
  const blocked = blocks.some(({ address, length }) => address >> (32n - length) === subjects.net >> (32n - length));
  view.setUint8(45, blocked ? 1 : 0);
  const rule = rules[index];
  if (!rule) return packet;
  view.setUint8(42, 1);
  view.setUint8(43, rule["action"] === "deny" ? 1 : 2);
  view.setUint8(44, rule["strong"] ? 1 : 0);
  view.setUint32(48, index, true);
  view.setUint32(52, Number(rule["cost"]), true);
  view.setInt16(56, Number(rule["delta"]), true);
  view.setBigUint64(64, rule["big"] as bigint, true);
  return packet;
}

type Witness = (packet: Uint8Array) => Uint8Array;

/** The VM and, where it may be used, the kernel, with rules in one form. */
function witnesses(module: Module, settings: Rule, form: RuleForm, kernel: boolean, owned: DisposableStack) {
  const prepared = prepareModule(module, settings, form);
  assert.equal(prepared.module.maps.length, form === "data" ? 2 : 0, "maps for the list and the set");
  const [program] = prepared.module.programs;
  const compiled = compilePrepared(prepared, program!, hooks.xdp, oldestAbilities, undefined);
  const maps = Object.fromEntries(
    prepared.module.maps.map((map) => [map.name, createMap(mapSpec(prepared.module, map, new Map()))]),
  );
  const linked = link(compiled, maps);
  const found: [string, Witness][] = [
    [`interpreter, ${form}`, (packet) => interpret(program!, prepared.module, { hook: "xdp", packet }).packet!],
    [`VM, ${form}`, (packet) => runXdp(linked, packet).packet],
  ];
  if (kernel) {
    const wanted = [{ program: module.programs[0]!, hook: hooks.xdp }];
    const loaded = owned.use(loadModule(module, wanted, { settings, rules: form }));
    const { kernelProgram } = loaded.entries[0]!;
    found.push([`kernel, ${form}`, (packet) => kernelProgram.testRun({ packet }).packet]);
  }
  return found;
}

const kernel = skipWithoutBpf === false;

for (const manner of manners) {
  test(`rules that are ${manner.name} give one answer in both forms`, { timeout: 120_000 }, (t) => {
    const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
    t.diagnostic(`SEED=${seed}`);
    const random = new RandomSource(seed);
    const { module, diagnostics } = compileText(source);
    assert.deepEqual(diagnostics, []);
    for (const count of [0, 1, 3, 20, 150]) {
      using owned = new DisposableStack();
      const rules = Array.from({ length: count }, () => someRule(random, manner));
      const blocked = Array.from({ length: count }, () => ({
        address: someValue(random, 32),
        length: BigInt(8 + random.below(25)),
      }));
      const settings = { rules, blocked };
      const values = resolveSettings(module!, settings);
      const all = (["code", "data"] as const).flatMap((form) => witnesses(module!, settings, form, kernel, owned));
      for (let round = 0; round < 60; round++) {
        const subjects = someSubjects(random, values["rules"] as readonly Rule[]);
        const expected = expectedPacket(module!, values, subjects);
        for (const [name, run] of all) {
          assert.deepEqual(run(packetOf(subjects)).slice(), expected, `${name}, ${count} rules, SEED=${seed}`);
        }
      }
    }
  });
}
