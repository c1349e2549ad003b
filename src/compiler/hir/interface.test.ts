import assert from "node:assert/strict";
import { test } from "node:test";
import { IovisorError } from "../../errors.ts";
import { checkModule } from "../check/index.ts";
import * as b from "./build.ts";
import { interpret } from "./interpret.ts";
import { mergeModules } from "./merge.ts";
import { printModule } from "./print.ts";
import { readModule, writeModule } from "./serialise.ts";
import { mutate } from "./testing/mutate.ts";
import { Random } from "./testing/random.ts";
import type { Expression, Module, ModuleInterface } from "./tree.ts";
import { numberType, verdictType, voidType } from "./types.ts";
import { verifyModule } from "./verify.ts";
import { walk } from "./walk.ts";

const reason = (name: string) => ({ name, description: `because of ${name}` });
const full: ModuleInterface = {
  ports: { kind: "fixed", names: ["a", "b"] },
  dropReasons: [reason("short"), reason("denied")],
  puntReasons: [reason("unknown")],
  metadata: [
    { name: "zone", width: "u16" },
    { name: "seen", width: "bool" },
  ],
};

const dropFor = (number: number) => b.operation("verdict.dropFor", [], verdictType, { constants: [number] });
const punt = (number: number) => b.operation("verdict.punt", [], verdictType, { constants: [number] });
const zone = (slot: number) => b.operation("metadata.get", [], numberType, { constants: [slot] });
const setSeen = (slot: number, value: Expression) =>
  b.operation("metadata.set", [value], voidType, { constants: [slot] });

function moduleOf(verdict: Expression, before: readonly Expression[] = [], declared?: ModuleInterface): Module {
  const module = b.module([b.program(() => [...before.map((one) => b.evaluate(one)), b.giveBack(verdict)])]);
  return declared ? { ...module, interface: declared } : module;
}

const problems = (module: unknown) => verifyModule(module).map(({ path, message }) => `${path}: ${message}`);

test("verify: operations of a graph fit what the module declares", () => {
  assert.deepEqual(problems(moduleOf(dropFor(2), [zone(0), setSeen(1, b.bool(true))], full)), []);
  assert.deepEqual(problems(moduleOf(dropFor(0))), []);
  assert.match(problems(moduleOf(dropFor(3), [], full)).join(), /reason of verdict\.dropFor may not be 3/);
  assert.match(problems(moduleOf(punt(1), [], full)).join(), /reason of verdict\.punt may not be 1/);
  assert.match(problems(moduleOf(b.pass(), [zone(0)])).join(), /slot of metadata\.get may not be 0/);
  assert.match(problems(moduleOf(b.pass(), [zone(1)], full)).join(), /metadata\.get gives bool, not number/);
  assert.match(problems(moduleOf(b.pass(), [setSeen(1, b.number(1))], full)).join(), /wants a bool, got number/);
});

test("verify: a damaged interface is refused", () => {
  const damaged = (change: Record<string, unknown>) =>
    problems({ ...moduleOf(b.pass()), interface: { ...full, ...change } });
  assert.deepEqual(damaged({}), []);
  assert.match(damaged({ ports: { kind: "fixed", names: [] } }).join(), /interface\.ports\.names: expected 1 to 255/);
  assert.match(damaged({ ports: { kind: "dynamic", maximum: 0 } }).join(), /interface\.ports\.maximum/);
  assert.match(
    damaged({ ports: { kind: "fixed", names: ["a", "a"] } }).join(),
    /interface\.ports: "a" stands there twice/,
  );
  assert.match(
    damaged({ metadata: [{ name: "x", width: "i8" }] }).join(),
    /metadata\[0\]\.width: expected one of bool/,
  );
  assert.match(damaged({ dropReasons: [reason("x"), reason("x")] }).join(), /dropReasons: "x" stands there twice/);
  assert.match(damaged({ dropReasons: undefined }).join(), /"dropReasons" is missing/);
});

/** The constants of every operation of a module's program, behind its name. */
function constantsOf(module: Module, program: number): string[] {
  const found: string[] = [];
  walk(module.programs[program]!.body, (node) => {
    if (node.kind === "operation" && node.constants) found.push([node.operation, ...node.constants].join(" "));
  });
  return found;
}

test("merge: reasons follow one another, metadata of one name is one value", () => {
  const other: ModuleInterface = {
    dropReasons: [reason("denied")],
    puntReasons: [reason("log")],
    metadata: [
      { name: "seen", width: "bool" },
      { name: "mark", width: "u32" },
    ],
  };
  const merged = mergeModules("both", [
    { name: "one", module: moduleOf(dropFor(2), [setSeen(1, b.bool(true))], full) },
    { name: "two", module: moduleOf(punt(0), [zone(1), setSeen(0, b.bool(true))], other) },
    { name: "three", module: moduleOf(dropFor(0)) },
  ]);
  assert.deepEqual(problems(merged), []);
  assert.deepEqual(merged.interface, {
    ports: full.ports,
    dropReasons: [
      { ...reason("short"), name: "one_short" },
      { ...reason("denied"), name: "one_denied" },
      { ...reason("denied"), name: "two_denied" },
    ],
    puntReasons: [
      { ...reason("unknown"), name: "one_unknown" },
      { ...reason("log"), name: "two_log" },
    ],
    metadata: [...full.metadata, { name: "mark", width: "u32" }],
  });
  assert.deepEqual(constantsOf(merged, 0), ["metadata.set 1", "verdict.dropFor 2"]);
  assert.deepEqual(constantsOf(merged, 1), ["metadata.get 2", "metadata.set 1", "verdict.punt 1"]);
  assert.deepEqual(constantsOf(merged, 2), ["verdict.dropFor 0"]);
});

test("merge: of several parts with ports the greatest number remains", () => {
  const dynamic: ModuleInterface = { ...full, ports: { kind: "dynamic", maximum: 9 } };
  const parts = [full, dynamic].map((declared, at) => ({ name: `p${at}`, module: moduleOf(b.pass(), [], declared) }));
  assert.deepEqual(mergeModules("both", parts).interface?.ports, { kind: "dynamic", maximum: 9 });
});

test("merge: modules without an interface have none together, and two types of one metadata are refused", () => {
  const plain = { name: "a", module: moduleOf(b.pass()) };
  assert.equal("interface" in mergeModules("both", [plain, { ...plain, name: "b" }]), false);
  const wide: ModuleInterface = { ...full, metadata: [{ name: "zone", width: "u32" }] };
  assert.throws(
    () =>
      mergeModules("both", [
        { name: "a", module: moduleOf(b.pass(), [], full) },
        { name: "b", module: moduleOf(b.pass(), [], wide) },
      ]),
    /metadata "zone" is u16 in a and u32 in b/,
  );
});

test("a damaged file of a function of a graph is refused or right, never a crash", (t) => {
  const seed = Number(process.env["IOV_SEED"] ?? 20240602);
  t.diagnostic(`seed ${seed}`);
  const text = writeModule(moduleOf(dropFor(2), [zone(0), setSeen(1, b.bool(true)), punt(0)], full));
  let accepted = 0;
  for (let each = 0; each < 400; each++) {
    const damaged = mutate(text, new Random(seed + each));
    try {
      const module = readModule(damaged);
      const { findings } = checkModule(module);
      printModule(module);
      mergeModules("again", [{ name: "p", module }]);
      for (const program of module.programs)
        if (findings.length === 0) interpret(program, module, { hook: "xdp", packet: new Uint8Array(64) });
      accepted++;
    } catch (error) {
      if (!(error instanceof IovisorError)) throw new Error(`seed ${seed + each}`, { cause: error });
    }
  }
  assert.ok(accepted > 0 && accepted < 300, `${accepted} accepted`);
});
