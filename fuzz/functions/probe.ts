/**
 * A function of a graph as a program that can run alone: what it is asked and what it decides are in a map. Time is
 * given, so that the kernel can be asked about hours.
 */
import * as build from "../../src/compiler/hir/build.ts";
import { tagProtocols } from "../../src/compiler/hir/tag-protocols.ts";
import { mapExpression, mapStatement, type Transform } from "../../src/compiler/hir/transform.ts";
import type { Expression, Local, Module, Program, Statement } from "../../src/compiler/hir/tree.ts";
import { boolType, type Type, u64Type } from "../../src/compiler/hir/types.ts";
import { someNode } from "../../src/compiler/hir/walk.ts";
import { inlineProgram } from "../../src/engine/pipeline/inline.ts";
import { readTagBeside } from "../../src/engine/pipeline/tag-beside.ts";

export const probeMap = "iov_probe";

/** What the program reads (ticks, port, beside) and writes. */
export const Probe = build.struct("Probe", {
  ticks: build.integer(64),
  port: build.integer(32),
  kind: build.integer(32),
  argument: build.integer(32),
  /** The tag beside the packet: see `readTagBeside`. */
  tag: build.integer(32),
  /** A tag that is outermost in the packet, and is to stand beside it before the function begins; 0: none. */
  beside: build.integer(32),
});

class Ticks implements Transform {
  readonly #now: Expression;

  constructor(now: Expression) {
    this.#now = now;
  }

  expression(node: Expression): Expression {
    return node.kind === "operation" && node.operation === "time.jiffies" ? this.#now : mapExpression(node, this);
  }

  body(body: readonly Statement[]): readonly Statement[] {
    return body.map((statement) => mapStatement(statement, this));
  }
}

/** The program's variables. */
class Locals {
  readonly all: Local[] = [];

  variable(name: string, value: Expression): { readonly statement: Statement; readonly local: number } {
    const { set } = this.let(name, value);
    return { statement: set, local: this.all.length - 1 };
  }

  use(local: number): Expression {
    return { kind: "local", local, type: this.all[local]!.type, at: 0 };
  }

  let(name: string, value: Expression, type: Type = value.type): { readonly set: Statement; readonly get: Expression } {
    const local = this.all.push({ name, type, at: 0 }) - 1;
    return { set: { kind: "let", local, value, at: 0 }, get: { kind: "local", local, type, at: 0 } };
  }
}

/** A function is never asked about a port that it cannot have. */
function portsOf({ interface: declared }: Module): number {
  const ports = declared?.ports;
  if (!ports) return 1;
  return ports.kind === "dynamic" ? ports.maximum : ports.names.length;
}

function labelsOf(program: Program): number {
  let labels = 0;
  for (const statement of program.body)
    someNode([statement], (node) => {
      if ("label" in node) labels = Math.max(labels, node.label + 1);
      return false;
    });
  return labels;
}

/** The outermost tag goes beside the packet, as a device leaves it. Popping puts the next one there. */
function takeOut(tag: Expression): readonly Statement[] {
  const control = build.binary("and", tag, build.number(0xffff));
  const push = (protocol: number): Statement =>
    build.when(build.compare("equal", build.binary("shiftRight", tag, build.number(16)), build.number(protocol)), [
      build.evaluate(build.operation("packet.popVlan", [], boolType)),
      build.evaluate(build.pushVlan(control, protocol)),
    ]);
  return Object.values(tagProtocols).map(push);
}

/** The module with one program and the map, the last one. It must be specialised. */
export function probeModule(module: Module): Module {
  const map = module.maps.length;
  const program = module.programs[0]!;
  const locals = new Locals();
  const lookup = build.operation("map.ref", [build.number(0)], build.optionalRef("map", Probe), { map });
  const probe = locals.let("probe", lookup);
  const field = (name: string): Expression => build.field(build.unwrap(probe.get), name);
  const now = locals.let("now", build.load(field("ticks")), u64Type);
  const port = locals.let("port", build.binary("remainder", build.load(field("port")), build.number(portsOf(module))));
  const [kind, argument] = [locals.let("kind", build.number(0)), locals.let("argument", build.number(0))];
  const local = ({ get }: { readonly get: Expression }): number => (get.kind === "local" ? get.local : -1);
  const exit = labelsOf(program);
  const inlined = inlineProgram(program, {
    firstLocal: locals.all.length,
    firstLabel: 0,
    exit,
    verdict: { kind: local(kind), argument: local(argument) },
    port: local(port),
    metadata: [],
  });
  locals.all.push(...inlined.locals);
  const tag = readTagBeside(locals);
  const body: readonly Statement[] = [
    probe.set,
    build.when(build.not(build.present(probe.get)), [build.giveBack(build.pass())]),
    now.set,
    port.set,
    ...takeOut(build.load(field("beside"))),
    kind.set,
    argument.set,
    build.block(exit, new Ticks(now.get).body(inlined.body)),
    ...tag.statements,
    build.store(field("kind"), build.convert("u32", kind.get)),
    build.store(field("argument"), build.convert("u32", argument.get)),
    build.store(field("tag"), locals.use(tag.local)),
    build.giveBack(build.pass()),
  ];
  const declaration = build.map("array", { name: probeMap, key: build.integer(32), value: Probe, maxEntries: 1 });
  const { interface: _, ...rest } = module;
  return {
    ...rest,
    name: "probe",
    maps: [...module.maps, declaration],
    programs: [{ name: "probe", kind: "packet", locals: locals.all, body, at: 0 }],
  };
}
