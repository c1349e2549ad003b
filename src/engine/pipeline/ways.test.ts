import assert from "node:assert/strict";
import { test } from "node:test";
import { compileClean } from "../../compiler/frontend/testing.ts";
import * as b from "../../compiler/hir/build.ts";
import { InterpreterTrap, interpret } from "../../compiler/hir/interpret.ts";
import { Random } from "../../compiler/hir/testing/random.ts";
import { randomModule } from "../../compiler/hir/testing/random-program.ts";
import { mapExpression, mapStatement, type Transform } from "../../compiler/hir/transform.ts";
import type { Expression, Module, Statement } from "../../compiler/hir/tree.ts";
import { numberType, verdictType } from "../../compiler/hir/types.ts";
import { walk } from "../../compiler/hir/walk.ts";
import { waysFrom, waysFromAll } from "./ways.ts";

function handler(body: string, more = ""): Module {
  return compileClean(`
import { drop, dropReasons, fixedPorts, forward, onPacket, range, transmit } from "iovisor/kernel";
import { Ethernet } from "iovisor/kernel/headers";
export const ports = fixedPorts("a", "b", "c", "d");
export const reasons = dropReasons({ tooShort: "the frame ends within its header" });
${more}
export default onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (!ethernet) return drop(reasons.tooShort);
  const kind = ethernet.type;
  ${body}
});`);
}

const any = "any";
const cases: readonly { readonly body: string; readonly more?: string; readonly ways: readonly unknown[] }[] = [
  { body: "return forward(3 - packet.port);", ways: [[3], [2], [1], [0]] },
  { body: "return forward(packet.port === ports.a ? ports.b : ports.a);", ways: [[1], [0], [0], [0]] },
  { body: "if (packet.port < 2) return forward(2); return forward(kind & 1);", ways: [[2], [2], any, any] },
  { body: "return forward(kind > 5 ? packet.port : 3);", ways: [[0, 3], [1, 3], [2, 3], [3]] },
  {
    body: "return packet.port === 0 ? forward(kind > 5 ? 1 : 2) : drop(reasons.tooShort);",
    ways: [[1, 2], [], [], []],
  },
  { body: "return packet.port === 1 && kind > 5 ? forward(2) : forward(0);", ways: [[0], [0, 2], [0], [0]] },
  { body: "return kind > 5 || packet.port > 2 ? forward(2) : forward(0);", ways: [[0, 2], [0, 2], [0, 2], [2]] },
  {
    body: "let out = 1; if (kind > 5) out = packet.port; else if (packet.port === 0) out = 2; return forward(out);",
    ways: [[0, 2], [1], [1, 2], [1, 3]],
  },
  { body: "let out = 0; for (const i of range(3)) { if (kind === i) out = i; } return forward(out);", ways: [any] },
  { body: "let out = 1; for (const i of range(kind & 3)) if (i < 4) out = 2; return forward(out);", ways: [any] },
  { body: "let out = 2; for (const i of range(3)) { if (kind === i) break; } return forward(out);", ways: [[2]] },
  {
    body:
      "switch (packet.port) { case 0: return forward(1); case 1: case 2: break; default: return forward(0); }\n" +
      "return forward(3);",
    ways: [[1], [3], [3], [0]],
  },
  {
    more: `function behind(port: number): number {
  if (port === ports.a) return ports.c;
  if (port === ports.c) return ports.a;
  return ports.d;
}`,
    body: "return forward(behind(packet.port));",
    ways: [[2], [3], [0], [3]],
  },
  {
    more: "function chosen(kind: number, port: number): number { if (kind > 5) return port; return ports.d; }",
    body: "return forward(chosen(kind, packet.port));",
    ways: [[0, 3], [1, 3], [2, 3], [3]],
  },
  { body: "return transmit();", ways: [[0], [1], [2], [3]] },
];

for (const { body, more, ways } of cases) {
  test(`ways out: ${body.replaceAll(/\s+/g, " ")}`, () => {
    const module = handler(body, more);
    const found = ways.map((_, port) => {
      const some = waysFrom(module, port);
      return some === any ? any : [...some].sort();
    });
    assert.deepEqual(found, ways);
  });
}

test("packets of all ports may leave by what packets of each may leave by", () => {
  const module = handler("return forward(packet.port < 2 ? 1 - packet.port : 2);");
  assert.deepEqual(waysFromAll(module, 2), new Set([1, 0]));
  assert.deepEqual(waysFromAll(module, 4), new Set([1, 0, 2]));
});

test("a function that forwards by what a table says is not asked for each of its many ports", () => {
  const text = (many: string) => `import { dynamicPorts, forward, onPacket } from "iovisor/kernel";
import { Ethernet } from "iovisor/kernel/headers";
export const ports = dynamicPorts({ maximum: 8 });
export default onPacket((packet) => forward(${many} ? 0 : (packet.at(0, Ethernet)?.type ?? 0) & 7));`;
  const waysOf = (many: string) => {
    const module = compileClean(text(many));
    return [0, 3, 4, 7].map((port) => waysFrom(module, port));
  };
  assert.deepEqual(waysOf("packet.port > 0"), [any, new Set([0]), new Set([0]), new Set([0])]);
  assert.deepEqual(waysOf("packet.port > 6"), [any, any, any, any]);
});

const seed = Number(process.env["IOV_SEED"] ?? 9000);
const programs = Number(process.env["IOV_WAYS_PROGRAMS"] ?? 600);

/** Some numbers become the packet's port, and behind one of the assignments a number is forwarded to. */
class Forwarding implements Transform {
  readonly #random: Random;
  readonly #module: Module;
  #left: number;

  constructor(random: Random, module: Module) {
    this.#random = random;
    this.#module = module;
    this.#left = random.below(12);
  }

  expression(node: Expression): Expression {
    const isNumber = node.kind === "constant" && node.type.kind === "number";
    if (isNumber && this.#random.chance(0.3)) return b.operation("packet.port", [], numberType);
    return mapExpression(node, this);
  }

  body(body: readonly Statement[]): readonly Statement[] {
    return body.flatMap((statement) => [mapStatement(statement, this), ...this.#behind(statement)]);
  }

  #behind(node: Statement): readonly Statement[] {
    if (node.kind !== "let" && node.kind !== "assign") return [];
    const { type } = this.#module.programs[0]!.locals[node.local]!;
    if (type.kind !== "number" || this.#left-- !== 0) return [];
    const port = b.binary("and", { kind: "local", local: node.local, type, at: 0 }, b.number(3));
    return [b.evaluate(b.operation("verdict.forward", [port], verdictType))];
  }
}

function forwarding(random: Random): Module {
  const module = randomModule(random);
  const transform = new Forwarding(random, module);
  return { ...module, programs: module.programs.map((one) => ({ ...one, body: transform.body(one.body) })) };
}

/** The ports that a run forwards to, as far as it comes. */
function seenIn(module: Module, port: number, random: Random): ReadonlySet<number> {
  const seen = new Set<number>();
  const places = new Set<Expression>();
  walk(module.programs[0]!.body, (node) => {
    if (node.kind === "operation" && node.operation === "verdict.forward") places.add(node.args[0]!);
  });
  try {
    interpret(module.programs[0]!, module, {
      ...{ hook: "xdp", port, packet: random.bytes(14 + random.below(100)), random: () => random.below(2 ** 32) },
      observe: (node, value) => {
        if (places.has(node)) seen.add(Number(value));
      },
    });
  } catch (error) {
    if (!(error instanceof InterpreterTrap)) throw error;
  }
  return seen;
}

test(`packets leave by no other port than was found (${programs} programs, seed ${seed})`, (t) => {
  let told = 0;
  for (let each = 0; each < programs; each++) {
    const random = new Random(seed + each);
    const module = forwarding(random);
    for (let port = 0; port < 4; port++) {
      const ways = waysFrom(module, port);
      if (ways === any) continue;
      for (let run = 0; run < 2; run++) {
        const seen = seenIn(module, port, random);
        if (seen.size > 0) told++;
        for (const one of seen) assert.ok(ways.has(one), `seed ${seed + each}: from ${port} to ${one}, not found`);
      }
    }
  }
  t.diagnostic(`${told} runs with a port that was found`);
  assert.ok(told > programs / 10, `${told} runs had a port that was found`);
});
