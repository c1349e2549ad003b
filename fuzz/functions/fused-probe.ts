/**
 * A composed pipeline as a program that can run alone: where a packet would leave for a device, be copied or be handed
 * to a host side, that is written to a map. Time is given. All else is the product's program.
 */
import * as build from "../../src/compiler/hir/build.ts";
import { mapExpression, mapStatement, type Transform } from "../../src/compiler/hir/transform.ts";
import type {
  Expression,
  Local,
  MapDeclaration,
  Module,
  OperationExpression,
  Statement,
} from "../../src/compiler/hir/tree.ts";
import type { Type } from "../../src/compiler/hir/types.ts";
import { tableNames } from "../../src/engine/pipeline/tables.ts";
import { readTagBeside } from "../../src/engine/pipeline/tag-beside.ts";
import { probeMap } from "./probe.ts";

const u32 = build.integer(32);
const mostCopies = 64;

const be32 = build.integer(32, "big");

/** A packet that was cloned (TCX): where to, the tag beside it, its length, and what lies behind its addresses. */
const Copy = build.struct("Copy", { device: u32, tag: u32, length: u32, first: be32, second: be32 });

export const FusedProbe = build.struct("FusedProbe", {
  ticks: build.integer(64),
  ending: u32,
  /** The key of a device or of a group, the place of a program, or instance, port and reason of a punt. */
  argument: u32,
  /** The tag beside the packet: see `readTagBeside`. */
  tag: u32,
  count: u32,
  copies: { kind: "array", element: Copy, length: mostCopies },
});

export const endings = { dropped: 0, device: 1, broadcast: 2, punt: 3, goesOn: 4, toHost: 5 } as const;

const Words = build.struct("Words", { first: be32, second: be32 });

class Ends implements Transform {
  readonly locals: Local[];
  readonly #maps: readonly MapDeclaration[];
  readonly #probe: Expression;
  readonly #now: Expression;
  /** Whether calls of other programs are written down, for the harness to make them. */
  readonly #tellsCalls: boolean;

  constructor(locals: Local[], maps: readonly MapDeclaration[], probe: Expression, now: Expression, tells: boolean) {
    this.locals = locals;
    this.#maps = maps;
    this.#probe = probe;
    this.#now = now;
    this.#tellsCalls = tells;
  }

  #field(name: string): Expression {
    return build.field(build.unwrap(this.#probe), name);
  }

  #let(name: string, value: Expression): { readonly set: Statement; readonly get: Expression } {
    return letIn(this.locals, name, value);
  }

  #end(ending: keyof typeof endings, argument: Expression): readonly Statement[] {
    const { set, told } = this.#tag();
    return [
      ...set,
      build.store(this.#field("ending"), build.number(endings[ending])),
      build.store(this.#field("argument"), build.convert("u32", argument)),
      build.store(this.#field("tag"), build.convert("u32", told)),
    ];
  }

  #tag(): { readonly set: readonly Statement[]; readonly told: Expression } {
    const use = (local: number): Expression => ({ kind: "local", local, type: this.locals[local]!.type, at: 0 });
    const { statements, local } = readTagBeside({
      variable: (name, value) => ({ statement: this.#let(name, value).set, local: this.locals.length - 1 }),
      use,
    });
    return { set: statements, told: use(local) };
  }

  body(body: readonly Statement[]): readonly Statement[] {
    return body.flatMap((statement) => this.#statement(statement));
  }

  #statement(node: Statement): readonly Statement[] {
    if (node.kind === "return" && node.value?.kind === "operation") return this.#leave(node, node.value);
    if (node.kind === "expression" && node.value.kind === "operation" && node.value.operation === "program.tailCall")
      if (this.#tellsCalls)
        return [...this.#end("goesOn", this.expression(node.value.args[0]!)), build.giveBack(build.pass())];
    return [mapStatement(node, this)];
  }

  #leave(node: Statement, { operation, args }: OperationExpression): readonly Statement[] {
    const leave = build.giveBack(build.pass());
    switch (operation) {
      case "verdict.redirectMap":
        return [...this.#end("device", this.expression(args[0]!)), leave];
      case "verdict.broadcastIn":
        return [...this.#end("broadcast", this.expression(args[0]!)), leave];
      case "verdict.pass":
        return [...this.#end("toHost", build.number(0)), leave];
      default:
        return [mapStatement(node, this)];
    }
  }

  expression(node: Expression): Expression {
    if (node.kind !== "operation") return mapExpression(node, this);
    if (node.operation === "time.jiffies") return this.#now;
    // A test run gives a note out as a part of the frame.
    if (node.operation === "packet.setNote") return build.bool(true);
    if (node.operation === "packet.cloneTo") return build.sequence(this.#clone(node), build.bool(true));
    if (node.operation === "ring.emitPacket" && this.#maps[node.map!]?.name === tableNames.punts)
      return build.sequence(this.#punt(node), build.bool(true));
    return mapExpression(node, this);
  }

  #punt({ args }: OperationExpression): readonly Statement[] {
    const header = args[0]!;
    if (header.kind !== "new") throw new Error("the header of a punt is made in place");
    const [instance, reason, port] = [0, 1, 2].map((place) => {
      return this.expression(header.fields.find(({ path }) => path[0] === place)!.value);
    });
    const shifted = (value: Expression, by: number): Expression =>
      build.binary("multiply", build.binary("and", value, build.number(0xff)), build.number(1 << by));
    return this.#end("punt", build.add(build.add(shifted(instance!, 16), shifted(port!, 8)), shifted(reason!, 0)));
  }

  #clone({ args }: OperationExpression): readonly Statement[] {
    const count = this.#let("count", build.load(this.#field("count")));
    const { set, told } = this.#tag();
    const words = this.#let("words", build.packetAt(build.number(12), Words));
    const device = this.#let("device", this.expression(args[0]!));
    const copy = build.element(this.#field("copies"), count.get);
    const store = (name: string, value: Expression): Statement =>
      build.store(build.field(copy, name), build.convert("u32", value));
    const value = (name: string): Expression => build.load(build.field(build.unwrap(words.get), name));
    const room = build.compare("less", count.get, build.number(mostCopies));
    return [
      ...[count.set, ...set, device.set],
      build.when(room, [
        words.set,
        store("device", device.get),
        store("tag", told),
        store("length", build.packetLength()),
        build.when(build.present(words.get), [store("first", value("first")), store("second", value("second"))]),
        build.store(this.#field("count"), build.convert("u32", build.add(count.get, build.number(1)))),
      ]),
    ];
  }
}

function letIn(
  locals: Local[],
  name: string,
  value: Expression,
): { readonly set: Statement; readonly get: Expression } {
  const type: Type = value.type;
  const local = locals.push({ name, type, at: 0 }) - 1;
  return { set: { kind: "let", local, value, at: 0 }, get: { kind: "local", local, type, at: 0 } };
}

/** Maps that the program does not use any more, and those that one processor has for itself. */
function declarationOf(map: MapDeclaration): MapDeclaration {
  const own: readonly string[] = [tableNames.scratch, tableNames.ports, tableNames.drops];
  if (own.includes(map.name)) return { ...map, kind: "array" };
  const unused: readonly string[] = [tableNames.devices, tableNames.groups, tableNames.groupDevices, tableNames.punts];
  if (unused.includes(map.name)) return build.map("array", { name: map.name, key: u32, value: u32, maxEntries: 1 });
  return map;
}

/** A composed module with its ends written down. */
export function probeComposed(module: Module, tellsCalls: boolean): Module {
  const program = module.programs[0]!;
  const locals: Local[] = [...program.locals];
  const lookup = build.operation("map.ref", [build.number(0)], build.optionalRef("map", FusedProbe), {
    map: module.maps.length,
  });
  const probe = letIn(locals, "probe", lookup);
  const now = letIn(locals, "now", build.load(build.field(build.unwrap(probe.get), "ticks")));
  const ends = new Ends(locals, module.maps, probe.get, now.get, tellsCalls);
  const body: readonly Statement[] = [
    probe.set,
    build.when(build.not(build.present(probe.get)), [build.giveBack(build.pass())]),
    now.set,
    ...ends.body(program.body),
  ];
  const declaration = build.map("array", { name: probeMap, key: u32, value: FusedProbe, maxEntries: 1 });
  const maps = [...module.maps.map(declarationOf), declaration];
  return { ...module, maps, programs: [{ ...program, locals: ends.locals, body }] };
}
