import * as build from "../../compiler/hir/build.ts";
import type { Layout } from "../../compiler/hir/layout.ts";
import { mergeModules } from "../../compiler/hir/merge.ts";
import {
  type Expression,
  hirVersion,
  type Local,
  type MapDeclaration,
  type Module,
  type Program,
  type Statement,
} from "../../compiler/hir/tree.ts";
import type { NarrowInteger, Type } from "../../compiler/hir/types.ts";
import { walk } from "../../compiler/hir/walk.ts";
import { IovisorError } from "../../errors.ts";
import { type Pipeline, pipelineKey, type Stage, stagesOf } from "./cut.ts";
import { dispatch } from "./dispatch.ts";
import { inlineProgram } from "./inline.ts";
import { Metadata } from "./metadata.ts";
import { Observer } from "./observer.ts";
import { type GraphReason, graphReason } from "./reasons.ts";
import { type TableName, type TableSizes, tableDeclarations, tableNames } from "./tables.ts";
import { type Tap, tapDeclarations, tapMaps } from "./taps.ts";
import { type Node, nodeOf, type Topology } from "./topology.ts";

export interface ComposeOptions {
  readonly topology: Topology;
  readonly tables: TableSizes;
  /** The place of each pipeline in the array of slots, by `pipelineKey`. */
  readonly slots: ReadonlyMap<string, number>;
  /** Those that look at the pipeline's instances. */
  readonly taps?: readonly Tap[];
}

/** Name of the one program of a composed module. */
export const pipelineProgram = "pipeline";

/**
 * Makes one module of a pipeline: the maps of all its functions and of the data path, and one program in which the
 * functions follow one another.
 */
export function composePipeline(pipeline: Pipeline, options: ComposeOptions): Module {
  const instances = [...new Set(stagesOf(pipeline.root).map((stage) => stage.instance))];
  const nodes = instances.map((instance) => nodeOf(options.topology, instance));
  const merged = mergeModules(
    pipelineProgram,
    nodes.map((node) => ({ name: node.instance, module: withoutInterface(node.module) })),
  );
  const composer = new Composer(pipeline, options, merged);
  const body = composer.body();
  const program: Program = { name: pipelineProgram, kind: "packet", locals: composer.locals, body, at: 0 };
  return {
    version: hirVersion,
    name: pipelineProgram,
    sources: merged.sources,
    maps: [
      ...merged.maps,
      ...tableDeclarations(options.tables, merged.maps.length),
      ...(options.taps ?? []).flatMap(tapDeclarations),
    ],
    settings: merged.settings,
    programs: [program],
    callbacks: merged.callbacks,
  };
}

/** Reasons and metadata keep the numbers of their own module: a pipeline has a place of its own for each function's. */
function withoutInterface({ interface: _, ...module }: Module): Module {
  return module;
}

/** The state of composing one program: its variables, labels, and how it reaches the shared maps. */
export class Composer {
  readonly locals: Local[] = [];
  readonly pipeline: Pipeline;
  readonly options: ComposeOptions;
  readonly metadata: Metadata;
  readonly observer: Observer;
  readonly #merged: Module;
  readonly #tables: readonly MapDeclaration[];
  #labels = 0;

  constructor(pipeline: Pipeline, options: ComposeOptions, merged: Module) {
    this.pipeline = pipeline;
    this.options = options;
    this.#merged = merged;
    this.#tables = tableDeclarations(options.tables);
    const taps = options.taps ?? [];
    this.metadata = new Metadata(options.topology.values(), Observer.metadataSlots(taps));
    this.observer = new Observer(this, taps);
  }

  node(stage: Stage): Node {
    return nodeOf(this.options.topology, stage.instance);
  }

  /** The whole program: what the entry left is taken up, then the first function handles the packet. */
  body(): readonly Statement[] {
    const { root } = this.pipeline;
    const node = this.node(root);
    const scratch = this.variable("scratch", this.lookup("scratch", build.number(0)));
    const parity = this.variable("parity", this.field(scratch.local, "parity"), "u32");
    const port = this.variable("port", this.field(scratch.local, "port"), "u32");
    const known = build.compare("less", this.use(port.local), build.number(node.ports.length));
    return [
      scratch.statement,
      build.when(build.not(build.present(this.use(scratch.local))), [build.giveBack(build.drop())]),
      parity.statement,
      port.statement,
      ...this.metadata.declare(this, scratch.local),
      ...this.observer.declare(scratch.local),
      build.when(build.not(known), this.drop(node, "noPort")),
      ...this.stage(root, this.use(port.local), { scratch: scratch.local, parity: parity.local }),
    ];
  }

  /** One function with what follows it. Control does not come out at the end. */
  stage(stage: Stage, port: Expression, entry: EntryLocals): readonly Statement[] {
    const node = this.node(stage);
    const program = this.#handlerOf(node);
    const portLocal = this.variable(`${node.instance} port`, port, "u32");
    const kind = this.variable(`${node.instance} verdict`, build.number(0));
    const argument = this.variable(`${node.instance} argument`, build.number(0));
    const verdict = { kind: kind.local, argument: argument.local };
    const exit = this.label();
    const inlined = inlineProgram(program, {
      firstLocal: this.locals.length,
      firstLabel: this.#reserveLabels(program),
      exit,
      verdict,
      port: portLocal.local,
      metadata: this.metadata.localsOf(node),
    });
    this.locals.push(...inlined.locals);
    return [
      portLocal.statement,
      kind.statement,
      argument.statement,
      ...this.observer.enter(node, portLocal.local),
      build.block(exit, inlined.body),
      ...this.observer.decided(node, portLocal.local, verdict),
      ...dispatch(this, { stage, node, verdict, port: portLocal.local, entry }),
    ];
  }

  #handlerOf(node: Node): Program {
    const wanted = `${node.instance}_`;
    const found = this.#merged.programs.find((program) => program.kind === "packet" && program.name.startsWith(wanted));
    if (found) return found;
    throw new IovisorError(
      "E_USAGE",
      `the function of "${node.instance}" handles no packets`,
      "export default onPacket(...) from its kernel module",
    );
  }

  #reserveLabels(program: Program): number {
    const first = this.#labels;
    walk(program.body, (inner) => {
      if ("label" in inner) this.#labels = Math.max(this.#labels, first + inner.label + 1);
    });
    return first;
  }

  // ---------------------------------------------------------------------------------------------- building blocks

  label(): number {
    return this.#labels++;
  }

  /** A new variable with its first value. */
  variable(
    name: string,
    value: Expression,
    width?: NarrowInteger,
  ): { readonly statement: Statement; readonly local: number } {
    const local = this.declare(name, value.type, width);
    return { statement: { kind: "let", local, value, at: 0 }, local };
  }

  declare(name: string, type: Type, width?: NarrowInteger): number {
    return this.locals.push({ name, type, at: 0, ...(width ? { width } : {}) }) - 1;
  }

  use(local: number): Expression {
    return { kind: "local", local, type: this.locals[local]!.type, at: 0 };
  }

  /** A field of what an optional reference in a variable points to, where it is known to be present. */
  field(local: number, name: string): Expression {
    return build.load(build.field(build.unwrap(this.use(local)), name));
  }

  /** The index of a shared map in the composed module. */
  table(name: TableName): number {
    return this.#merged.maps.length + (Object.keys(tableNames) as TableName[]).indexOf(name);
  }

  /** One of the maps of a tap, with what it holds. */
  tapMap(tap: Tap, which: "ring" | "losses"): { readonly index: number; readonly value: Layout } {
    const place = which === "ring" ? 0 : 1;
    const first = this.#merged.maps.length + Object.keys(tableNames).length;
    const index = first + tapMaps * (this.options.taps ?? []).indexOf(tap) + place;
    return { index, value: tapDeclarations(tap)[place]!.value! };
  }

  /** A place of the metadata in the scratch memory. */
  metadataElement(scratch: number, place: number): Expression {
    return build.element(build.field(build.unwrap(this.use(scratch)), "metadata"), build.number(place));
  }

  lookup(name: TableName, key: Expression): Expression {
    const map = this.table(name);
    const value = this.#tables[map - this.#merged.maps.length]!.value!;
    return build.operation("map.ref", [key], build.optionalRef("map", value), { map });
  }

  /** Adds a packet and its bytes to two counters of a shared map's value. */
  count(name: "ports" | "drops", key: Expression, packets: string, bytes: string): readonly Statement[] {
    const found = this.variable(name, this.lookup(name, key));
    const add = (field: string, amount: Expression): Statement => {
      const target = build.field(build.unwrap(this.use(found.local)), field);
      return build.store(target, build.add(build.load(target), amount));
    };
    const present = build.present(this.use(found.local));
    const length = build.convert("u64", build.packetLength());
    return [found.statement, build.when(present, [add(packets, build.wide(1)), add(bytes, length)])];
  }

  /** Discards the packet for a reason of the graph's own. @param port that it came in on, where that is one */
  drop(node: Node, reason: GraphReason, port?: number): readonly Statement[] {
    const number = graphReason(node.module, reason);
    const told = port === undefined ? [] : this.observer.dropped(node, port, number);
    return [...told, ...this.dropFor(build.number(node.firstReason + number))];
  }

  /** Discards the packet; `identity` is that of the reason. */
  dropFor(identity: Expression): readonly Statement[] {
    return [...this.count("drops", identity, "packets", "bytes"), build.giveBack(build.drop())];
  }

  slotOf(instance: string): number {
    const slot = this.options.slots.get(pipelineKey(this.pipeline.hook, instance));
    if (slot === undefined) throw new Error(`no pipeline for ${instance}`);
    return slot;
  }
}

/** Variables of the program that its later parts need. */
export interface EntryLocals {
  readonly scratch: number;
  readonly parity: number;
}
