import assert from "node:assert/strict";
import { test } from "node:test";
import * as b from "./build.ts";
import { interpret } from "./interpret.ts";
import { printModule } from "./print.ts";
import { resolveSettings } from "./settings.ts";
import { specialise } from "./specialise.ts";
import { Random } from "./testing/random.ts";
import { randomModule } from "./testing/random-program.ts";
import type { Expression, Module, SettingDeclaration, Statement } from "./tree.ts";
import { boolType, numberType, optionalType, verdictType } from "./types.ts";
import { verifyModule } from "./verify.ts";
import { someNode } from "./walk.ts";

const settings: readonly SettingDeclaration[] = [
  { name: "enabled", type: { kind: "bool" }, default: true, description: "", at: 0 },
  {
    name: "mode",
    type: {
      kind: "enum",
      name: "Mode",
      members: [
        ["count", 4n],
        ["drop", 9n],
      ],
    },
    default: "count",
    description: "",
    at: 0,
  },
  {
    name: "limits",
    type: { kind: "struct", fields: [{ name: "burst", type: { kind: "integer", name: "u16" } }] },
    default: { burst: 100n },
    description: "",
    at: 0,
  },
];

function specialised(make: (l: b.Locals) => readonly Statement[], given: Readonly<Record<string, unknown>>): string {
  const module = b.module([b.program((l) => [...make(l), b.giveBack(b.pass())])], { settings });
  assert.deepEqual(verifyModule(module), []);
  const result = specialise(module, resolveSettings(module, given));
  assert.deepEqual(verifyModule(result), []);
  return printModule(result).split("{\n").slice(1).join("{\n").replace(/\s+/g, " ").trim();
}

const enabled = () => b.setting(["enabled"], boolType);
const burst = () => b.setting(["limits", "burst"], undefined, "u16");

test("settings become constants and arithmetic on them is done", () => {
  const text = specialised(() => [b.evaluate(b.binary("multiply", burst(), b.number(2)))], { limits: { burst: 7 } });
  assert.equal(text, "14 return verdict.pass() }");
});

test("an enum's setting becomes its number", () => {
  assert.equal(
    specialised(() => [b.evaluate(b.setting(["mode"]))], { mode: "drop" }),
    "9 return verdict.pass() }",
  );
});

test("branches that cannot be taken are gone", () => {
  const make = () => [b.when(b.both(enabled(), b.compare("greater", burst(), b.number(5))), [b.giveBack(b.drop())])];
  assert.equal(specialised(make, {}), "return verdict.drop() }");
  assert.equal(specialised(make, { enabled: false }), "return verdict.pass() }");
});

test("a branch that declares something keeps its scope", () => {
  const make = (l: b.Locals) => {
    const [letIt] = l.let("x", b.packetLength());
    return [b.when(enabled(), [letIt]), b.when(enabled(), [letIt])];
  };
  assert.equal(
    specialised(make, {}),
    "L0: block { let %x.0: number = packet.length() } L1: block { let %x.0: number = packet.length() } return verdict.pass() }",
  );
});

test("a switch over a constant becomes its case", () => {
  const make = () => [
    b.choose(3, b.setting(["mode"]), [{ values: [9n], body: [b.leave(3)] }], [b.evaluate(b.packetLength())]),
  ];
  assert.equal(specialised(make, { mode: "drop" }), "L3: block { break L3 } return verdict.pass() }");
  assert.equal(specialised(make, {}), "L3: block { packet.length() } return verdict.pass() }");
});

test("the side effects of a condition stay", () => {
  const pop = b.operation("packet.popVlan", [], boolType);
  const make = () => [b.when(b.both(pop, b.not(enabled())), [b.giveBack(b.drop())])];
  assert.match(specialised(make, {}), /packet\.popVlan\(\)/);
});

test("the configuration stays in the declarations", () => {
  const module = b.module([], { settings });
  const result = specialise(module, resolveSettings(module, { limits: { burst: 3 } }));
  assert.deepEqual(result.settings.find((one) => one.name === "limits")?.default, { burst: 3n });
});

function outcome(module: Module, packet: Uint8Array): unknown {
  try {
    const { verdict, packet: after, maps } = interpret(module.programs[0]!, module, { hook: "xdp", packet });
    return { verdict, after, maps };
  } catch (error) {
    return String(error);
  }
}

const seed = Number(process.env["IOV_SEED"] ?? 900);

test(`folding does not change what random programs do (seed ${seed})`, () => {
  for (let each = 0; each < 300; each++) {
    const random = new Random(seed + each);
    const module = randomModule(random);
    const folded = specialise(module, {});
    assert.deepEqual(verifyModule(folded), [], `seed ${seed + each}`);
    const packet = random.bytes(60);
    assert.deepEqual(outcome(folded, packet), outcome(module, packet), `seed ${seed + each}`);
  }
});

test("no setting is left in a specialised module", () => {
  const module = b.module([b.program(() => [b.when(enabled(), [b.evaluate(burst())]), b.giveBack(b.pass())])], {
    settings,
  });
  const [program] = specialise(module, resolveSettings(module, {})).programs;
  assert.equal(
    someNode(program!.body, (node) => node.kind === "setting"),
    false,
  );
});

const ruleSettings: readonly SettingDeclaration[] = [
  {
    name: "ports",
    type: { kind: "set", element: { kind: "matcher", matcher: "range", name: "u16" } },
    default: [],
    description: "",
    at: 0,
  },
  {
    name: "rules",
    type: {
      kind: "list",
      element: {
        kind: "struct",
        fields: [
          { name: "port", type: { kind: "matcher", matcher: "exact", name: "u16" } },
          {
            name: "action",
            type: {
              kind: "enum",
              name: "Action",
              members: [
                ["allow", 0n],
                ["deny", 1n],
              ],
            },
          },
        ],
      },
    },
    default: [],
    description: "",
    at: 0,
  },
];

/** Drops what a rule denies; passes what no rule matches, or transmits it when its port is in the set. */
const ruleModule = b.module(
  [
    b.program((l) => {
      const [letView] = l.let("view", b.packetAt(b.number(0), { kind: "bytes", length: 1 }));
      const port = b.load(b.element(b.unwrap(l.use(0)), b.number(0)));
      const match = (setting: string, field: string): Expression => ({
        kind: "match",
        setting,
        subjects: [{ field, value: port }],
        type: optionalType(numberType),
        at: 0,
      });
      const [letRule, rule] = l.let("rule", match("rules", "port"));
      const action = b.operation("rule.field", [b.unwrap(l.use(rule))], numberType, { constants: [1, 1] });
      return [
        letView,
        b.when(b.not(b.present(l.use(0))), [b.giveBack(b.pass())]),
        letRule,
        b.when(b.both(b.present(l.use(rule)), b.compare("equal", action, b.number(1))), [b.giveBack(b.drop())]),
        b.when(b.present(match("ports", "")), [b.giveBack(b.operation("verdict.transmit", [], verdictType))]),
        b.giveBack(b.pass()),
      ];
    }),
  ],
  { settings: ruleSettings },
);

test("a field in which all rules agree folds, sets become lists, and the meaning stays", () => {
  assert.deepEqual(verifyModule(ruleModule), []);
  const rules = Array.from({ length: 40 }, (_, index) => ({ port: index, action: index % 7 < 3 ? "deny" : "allow" }));
  const values = resolveSettings(ruleModule, { rules, ports: ["30-35", 60, "61-70"] });
  const folded = specialise(ruleModule, values, "code");
  assert.deepEqual(verifyModule(folded), []);
  const readsField = (module: Module) =>
    someNode(module.programs[0]!.body, (node) => node.kind === "operation" && node.operation === "rule.field");
  assert.equal(readsField(folded), true);
  const denied = resolveSettings(ruleModule, { rules: rules.map((rule) => ({ ...rule, action: "deny" })) });
  assert.equal(readsField(specialise(ruleModule, denied, "code")), false);
  const verdicts = (module: Module, settings?: typeof values) =>
    Array.from({ length: 80 }, (_, port) => {
      const packet = Uint8Array.of(port, ...new Uint8Array(20));
      const input = { hook: "xdp", packet, ...(settings ? { settings } : {}) } as const;
      return interpret(module.programs[0]!, module, input).verdict?.name;
    });
  const expected = Array.from({ length: 80 }, (_, port) => {
    if (port < 40 && port % 7 < 3) return "drop";
    return (port >= 30 && port <= 35) || (port >= 60 && port <= 70) ? "transmit" : "pass";
  });
  assert.deepEqual(verdicts(ruleModule, values), expected);
  assert.deepEqual(verdicts(folded), expected);
});

test("many rules become data with a map of their own, a few become code", () => {
  const forms = (count: number, form?: "code" | "data") => {
    const rules = Array.from({ length: count }, (_, port) => ({ port, action: "deny" }));
    const { maps } = specialise(ruleModule, resolveSettings(ruleModule, { rules, ports: [] }), form);
    return maps.map((map) => [map.name, map.rules?.setting]);
  };
  assert.deepEqual(forms(3), []);
  assert.deepEqual(forms(40), [["rules.data", "rules"]]);
  assert.deepEqual(forms(40, "code"), []);
  assert.deepEqual(forms(3, "data").flat().sort(), ["ports.rules", "ports.rules.data", "rules", "rules.data"]);
});
