import * as build from "../../compiler/hir/build.ts";
import type { Expression, Statement } from "../../compiler/hir/tree.ts";
import { boolType, numberType, u64Type } from "../../compiler/hir/types.ts";
import type { Composer } from "./compose.ts";
import { filterPacket } from "./filter.ts";
import { floods } from "./flood.ts";
import { metadataSlots } from "./tables.ts";
import { readTagBeside } from "./tag-beside.ts";
import { Observation, type Tap, type TapPoints, type TapPorts, tapEvents } from "./taps.ts";
import type { Node } from "./topology.ts";
import { isKind } from "./verdict-codes.ts";

/** The processor's number in a packet's number. */
const processorUnit = 1024;

/** What taps add to the program of a pipeline. Without taps that is nothing. */
export class Observer {
  readonly #composer: Composer;
  readonly #taps: readonly Tap[];
  /** The variables with the packet's numbers, by tap; 0: it is not looked at. */
  readonly #ids = new Map<Tap, number>();

  constructor(composer: Composer, taps: readonly Tap[]) {
    this.#composer = composer;
    this.#taps = taps;
  }

  /** Slots of metadata that are left for the functions. */
  static metadataSlots(taps: readonly Tap[]): number {
    return Math.min(metadataSlots, ...taps.filter((tap) => tap.follows).map(slotOf));
  }

  /** The variables, with the numbers that a pipeline ahead of this one gave. */
  declare(scratch: number): readonly Statement[] {
    return this.#taps.map((tap) => {
      const kept = tap.follows ? build.load(this.#composer.metadataElement(scratch, slotOf(tap))) : build.wide(0);
      const made = this.#composer.variable(`tap ${tap.number}`, kept);
      this.#ids.set(tap, made.local);
      return made.statement;
    });
  }

  /** Leaves the numbers for the pipeline behind this one. */
  keep(scratch: number): readonly Statement[] {
    return this.#taps
      .filter((tap) => tap.follows)
      .map((tap) => build.store(this.#composer.metadataElement(scratch, slotOf(tap)), this.#id(tap)));
  }

  /** A packet comes in at a function. */
  enter(node: Node, port: number): readonly Statement[] {
    return this.#at(node).flatMap(({ tap, points }) => {
      const id = this.#ids.get(tap)!;
      const fresh = tap.follows ? [] : [build.assign(id, build.wide(0))];
      if (points.in.length === 0) return fresh;
      const untold = tap.follows ? build.compare("equal", this.#id(tap), build.wide(0)) : build.bool(true);
      const here = build.both(untold, isOneOf(this.#composer.use(port), points.in));
      const emit = this.#emit(tap, node, port, { event: build.number(tapEvents.in), argument: build.number(0) });
      return [...fresh, build.when(here, this.#ifFits(tap, [build.assign(id, this.#newId()), ...emit]))];
    });
  }

  /** A function has come to its verdict. */
  decided(
    node: Node,
    port: number,
    verdict: { readonly kind: number; readonly argument: number },
  ): readonly Statement[] {
    const [kind, argument] = [this.#composer.use(verdict.kind), this.#composer.use(verdict.argument)];
    return this.#at(node).flatMap(({ tap, points }) => {
      const leaves = build.both(isKind(kind, "forward"), isOneOf(argument, points.out));
      const tests = [
        ...(points.out.length > 0 ? [leaves, ...(floods(node) ? [isKind(kind, "flood")] : [])] : []),
        ...(points.dropped.length > 0 ? [this.#isDropped(kind, port, points.dropped)] : []),
      ];
      return this.#emitWhere(tap, node, port, { event: kind, argument, tests });
    });
  }

  /** The graph itself drops a packet, after the function's verdict. */
  dropped(node: Node, port: number, reason: number): readonly Statement[] {
    return this.#at(node).flatMap(({ tap, points }) => {
      const tests = points.dropped.length > 0 ? [isOneOf(this.#composer.use(port), points.dropped)] : [];
      const [event, argument] = [build.number(tapEvents.drop), build.number(reason)];
      return this.#emitWhere(tap, node, port, { event, argument, tests });
    });
  }

  #at(node: Node): readonly { readonly tap: Tap; readonly points: TapPoints }[] {
    return this.#taps.flatMap((tap) => {
      const points = tap.points[node.instance];
      return points ? [{ tap, points }] : [];
    });
  }

  #isDropped(kind: Expression, port: number, ports: TapPorts): Expression {
    return build.both(isKind(kind, "drop"), isOneOf(this.#composer.use(port), ports));
  }

  /** A record for packets that were let through on their way in, and for those that one of the tests holds for. */
  #emitWhere(
    tap: Tap,
    node: Node,
    port: number,
    told: Told & { readonly tests: readonly Expression[] },
  ): readonly Statement[] {
    const wanted = this.#composer.variable("wanted", build.compare("notEqual", this.#id(tap), build.wide(0)));
    const use = this.#composer.use(wanted.local);
    const any = told.tests.reduce<Expression | undefined>(
      (left, right) => (left ? build.oneOf(left, right) : right),
      undefined,
    );
    const fits = this.#ifFits(tap, [build.assign(wanted.local, build.bool(true))]);
    const more = any ? [build.when(build.both(build.not(use), any), fits)] : [];
    return [wanted.statement, ...more, build.when(use, this.#emit(tap, node, port, told))];
  }

  #ifFits({ filter }: Tap, then: readonly Statement[]): readonly Statement[] {
    if (!filter) return then;
    const { statements, matches } = filterPacket(this.#composer, filter);
    return [...statements, build.when(this.#composer.use(matches), then)];
  }

  #emit(tap: Tap, node: Node, port: number, { event, argument }: Told): readonly Statement[] {
    const composer = this.#composer;
    const tag = readTagBeside(composer);
    const record = build.newStruct(Observation, [
      { path: [0], value: this.#id(tap) },
      { path: [1], value: build.operation("time.monotonic", [], u64Type) },
      { path: [2], value: build.convert("u32", argument) },
      { path: [3], value: build.number(node.id) },
      { path: [4], value: build.convert("u16", composer.use(port)) },
      { path: [5], value: composer.use(tag.local) },
      { path: [6], value: build.convert("u8", event) },
    ]);
    const ring = composer.tapMap(tap, "ring");
    return [
      ...tag.statements,
      build.when(
        build.not(build.operation("ring.emitPacket", [record], boolType, { map: ring.index })),
        this.#countLoss(tap),
      ),
    ];
  }

  #countLoss(tap: Tap): readonly Statement[] {
    const { index, value } = this.#composer.tapMap(tap, "losses");
    const lookup = build.operation("map.ref", [build.number(0)], build.optionalRef("map", value), { map: index });
    const found = this.#composer.variable("losses", lookup);
    const use = this.#composer.use(found.local);
    const count = build.unwrap(use);
    return [
      found.statement,
      build.when(build.present(use), [build.store(count, build.add(build.load(count), build.wide(1)))]),
    ];
  }

  /** No two packets meet a processor in the same nanosecond. */
  #newId(): Expression {
    const time = build.operation("time.monotonic", [], u64Type);
    const processor = build.convert("u64", build.operation("cpu.id", [], numberType));
    return build.add(build.binary("multiply", time, build.wide(processorUnit)), processor);
  }

  #id(tap: Tap): Expression {
    return this.#composer.use(this.#ids.get(tap)!);
  }
}

interface Told {
  readonly event: Expression;
  readonly argument: Expression;
}

/** Numbers of followed packets travel in the last slots of metadata, which entries clear. */
function slotOf({ number }: Tap): number {
  return metadataSlots - 1 - number;
}

function isOneOf(value: Expression, ports: TapPorts): Expression {
  if (ports === "all") return build.bool(true);
  const tests = ports.map((port) => build.compare("equal", value, build.number(port)));
  return tests.reduce((left, right) => build.oneOf(left, right), build.bool(false));
}
