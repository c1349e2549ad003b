import assert from "node:assert/strict";
import { test } from "node:test";
import { IovisorError } from "../../errors.ts";
import { checkModule } from "../check/index.ts";
import * as b from "./build.ts";
import { InterpreterTrap, interpret } from "./interpret.ts";
import { printModule } from "./print.ts";
import { readModule, writeModule } from "./serialise.ts";
import { mutate } from "./testing/mutate.ts";
import { Random } from "./testing/random.ts";
import { randomModule } from "./testing/random-program.ts";
import type { Module } from "./tree.ts";

const seed = Number(process.env["IOV_SEED"] ?? 20240601);
const mutants = Number(process.env["IOV_HIR_MUTANTS"] ?? 500);

test("a module survives being written and read", () => {
  for (let each = 0; each < 50; each++) {
    const module = randomModule(new Random(seed + each));
    const read = readModule(writeModule(module));
    assert.deepEqual(read, module, `seed ${seed + each}`);
  }
});

test("writing is deterministic, also after reading", () => {
  const text = writeModule(randomModule(new Random(seed)));
  assert.equal(writeModule(randomModule(new Random(seed))), text);
  assert.equal(writeModule(readModule(text)), text);
});

test("types and layouts stand in the file once", () => {
  const times = (text: string): number => text.split('"name":"Header"').length - 1;
  let used = 0;
  for (let each = 0; each < 50; each++) {
    const text = writeModule(randomModule(new Random(seed + each)));
    const [shared = "", module = ""] = text.split('\n"module":');
    used += times(shared);
    assert.ok(times(shared) <= 1, `seed ${seed + each}`);
    // The value of a map is no type of an expression: it stands with its map.
    assert.equal(times(module), 1, `seed ${seed + each}`);
  }
  assert.ok(used > 10, `${used} programs have views`);
});

function refusal(text: string): string {
  try {
    readModule(text);
  } catch (error) {
    assert.ok(error instanceof IovisorError && error.code === "E_FORMAT", String(error));
    return error.message;
  }
  return "accepted";
}

const settings = [{ name: "x", type: { kind: "bool" } as const, default: true, description: "", at: 0 }];

test("files that are no HIR are refused with a reason", () => {
  const text = writeModule(b.module([], { settings }));
  assert.match(refusal(""), /not a HIR file/);
  assert.match(refusal("[1,2]"), /version undefined/);
  assert.match(refusal(text.slice(0, -10)), /not a HIR file/);
  assert.match(refusal(text.replace('"hir":2', '"hir":3')), /version 3, this is for version 2/);
  assert.match(refusal(text.replace('{"@":0}', '{"@":1}')), /no shared value 1/);
  assert.match(refusal(text.replace('"default":true', '"default":{"#":"1e9"}')), /malformed integer/);
  assert.match(
    refusal(text.replace('"default":true', '"default":{"__proto__":true}')),
    /default: x: expected true or false/,
  );
  assert.match(
    refusal(`{"hir":2,"shared":[],"module":${"[".repeat(100_000)}${"]".repeat(100_000)}}`),
    /not a HIR file/,
  );
});

test("a file whose shared values multiply is refused and not expanded", () => {
  const shared = ["1", ...Array.from({ length: 40 }, (_, index) => `[{"@":${index}},{"@":${index}}]`)];
  assert.match(refusal(`{"hir":2,"shared":[${shared.join(",")}],"module":{"@":40}}`), /more than \d+ values/);
});

/** Reads, checks and runs a text that may be anything; gives what came of it. */
function swallow(text: string): "refused" | "faulty" | "sound" {
  let module: Module;
  try {
    module = readModule(text);
  } catch (error) {
    if (error instanceof IovisorError && error.code === "E_FORMAT") return "refused";
    throw error;
  }
  printModule(module);
  assert.equal(writeModule(readModule(writeModule(module))), writeModule(module));
  if (checkModule(module).findings.length > 0) return "faulty";
  for (const program of module.programs) {
    try {
      if (program.kind === "packet")
        interpret(program, module, { hook: "xdp", packet: new Uint8Array(60), maxSteps: 100_000 });
    } catch (error) {
      if (!(error instanceof InterpreterTrap && /steps/.test(error.message))) throw error;
    }
  }
  return "sound";
}

test(`${mutants} mutated HIR files are refused or right, never a crash (seed ${seed})`, () => {
  const outcomes = { refused: 0, faulty: 0, sound: 0 };
  for (let each = 0; each < mutants; each++) {
    const random = new Random(seed + each);
    const text = mutate(writeModule(randomModule(random)), random);
    try {
      outcomes[swallow(text)]++;
    } catch (error) {
      throw new Error(`seed ${seed + each}`, { cause: error });
    }
  }
  assert.ok(outcomes.refused > mutants / 4, JSON.stringify(outcomes));
  assert.ok(outcomes.sound + outcomes.faulty > 0, JSON.stringify(outcomes));
});
