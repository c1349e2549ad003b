import type { Position } from "../hir/position.ts";
import type { ForStatement } from "../hir/tree.ts";
import { FunctionBuilder } from "../ir/builder.ts";
import { helpers } from "../ir/helpers.ts";
import type { Value } from "../ir/ir.ts";
import { blurCarried } from "./blur.ts";
import { lowerScalar } from "./expressions.ts";
import { indexOf } from "./loops.ts";
import type { Reference } from "./lowered.ts";
import type { Escape, Lowering } from "./lowering.ts";
import { beginEpochVariables, readBounds } from "./packet-model.ts";
import { variablesOfBody } from "./scan.ts";
import { lowerStatements } from "./statements.ts";

/**
 * A long loop through `bpf_loop`: the body becomes a function of its own that the kernel calls for each round, and the
 * variables that it shares with the code around it live in cells of a frame on the stack for that time.
 *
 *     cell 0: how the loop ended (0: ran out, n: escape number n)
 *     cell 1: the verdict, when it ended with a return
 *     cell 2: first index; cell 3: limit; then the shared variables
 */
export function lowerCallbackLoop(l: Lowering, s: ForStatement, trips: bigint): void {
  const { builder } = l;
  const shared = sharedVariables(l, s);
  const cells = new Map<string, number>([
    ["loop.ending", 0],
    ["loop.verdict", 8],
    ["loop.from", 16],
    ["loop.to", 24],
  ]);
  for (const variable of shared.read) cells.set(variable, cells.size * 8);
  builder.write("loop.from", lowerScalar(l, s.from));
  builder.write("loop.to", lowerScalar(l, s.to));
  // To the verifier a round follows one that ended the loop, too: it must look like the first.
  for (const variable of ["loop.ending", "loop.verdict"]) builder.write(variable, builder.hiddenZero(s.at));
  const frame = l.newSlot({ kind: "bytes", length: cells.size * 8 }, cells.size * 8, s.at);
  writeCells(l, frame, cells, s.at);
  const body = new LoopBody(l, s, cells, shared.written);
  const callback = body.lower();
  const args = [
    l.constant(trips, s.at),
    builder.functionAddress(callback, s.at),
    l.address(frame, s.at),
    l.constant(0, s.at),
  ];
  builder.callHelper(helpers.loop.id, args, s.at);
  readCells(l, frame, cells, ["loop.ending", "loop.verdict", ...shared.written], s.at);
  followEscapes(l, body.escapes, s.at);
}

/** After the loop: where its body jumped out of it, the jump is made here. */
function followEscapes(l: Lowering, escapes: readonly Escape[], at: Position): void {
  const { builder } = l;
  for (const [index, escape] of escapes.entries()) {
    const [taken, other] = [builder.newBlock(), builder.newBlock()];
    const left = builder.read("loop.ending");
    const right = l.constant(index + 1, at);
    builder.branch({ op: "eq", width: 64, left, right, then: taken, otherwise: other, at });
    builder.seal(taken);
    builder.switchTo(taken);
    if (escape.kind === "leave") l.leave(verdictOf(l, at), at);
    else l.jumpOut(escape.label, escape.way, at);
    builder.seal(other);
    builder.switchTo(other);
  }
}

/** The verdict from its cell. What lies there is any number to the verifier; of a choice of two it wants to be sure. */
function verdictOf(l: Lowering, at: Position): Value {
  const verdict = l.builder.read("loop.verdict");
  const codes = Object.values(l.options.hook.verdicts);
  const isFlag = codes.length > 0 && codes.every((code) => code === 0 || code === 1);
  return isFlag ? l.builder.binary("and", 64, verdict, l.constant(1, at), at) : verdict;
}

function writeCells(l: Lowering, frame: Reference, cells: ReadonlyMap<string, number>, at: Position): void {
  for (const [variable, offset] of cells) l.store(frame, 8, l.builder.read(variable), at, offset);
}

function readCells(
  l: Lowering,
  frame: Reference,
  cells: ReadonlyMap<string, number>,
  variables: Iterable<string>,
  at: Position,
): void {
  for (const variable of variables) l.builder.write(variable, l.load(frame, 8, at, { delta: cells.get(variable)! }));
}

/** The variables of the code around the loop that its body reads or writes, and those that it writes. */
function sharedVariables(l: Lowering, s: ForStatement): { readonly read: string[]; readonly written: string[] } {
  const used = variablesOfBody(s.body);
  const outside = (local: number): boolean => local !== s.local && !used.defined.has(local);
  const names = (locals: Iterable<number>): string[] =>
    [...locals].filter(outside).flatMap((local) => l.variablesOf(local));
  const packet = l.options.hook.packetModel ? beginEpochVariables : [];
  return {
    read: [...names(used.mentioned), ...packet, "context"],
    written: [...names(used.assigned), ...(used.movesPacket ? packet : [])],
  };
}

class LoopBody {
  readonly escapes: Escape[] = [];
  readonly #outer: Lowering;
  readonly #statement: ForStatement;
  readonly #cells: ReadonlyMap<string, number>;
  readonly #written: readonly string[];

  constructor(outer: Lowering, s: ForStatement, cells: ReadonlyMap<string, number>, written: readonly string[]) {
    this.#outer = outer;
    this.#statement = s;
    this.#cells = cells;
    this.#written = written;
  }

  /** Makes the callback and gives its name. */
  lower(): string {
    const outer = this.#outer;
    const s = this.#statement;
    const name = `${outer.routine.name}_loop${outer.nextLoop()}`;
    const builder = new FunctionBuilder(name, "static", ["integer", "address"]);
    const frame: Reference = {
      kind: "ref",
      base: builder.parameter(1),
      offset: 0,
      region: "local",
      layout: { kind: "bytes", length: this.#cells.size * 8 },
      align: 8,
    };
    const l = outer.nested(builder, (inner, escape, verdict) => this.#escape(inner, frame, escape, verdict));
    readCells(l, frame, this.#cells, this.#cells.keys(), s.at);
    l.adoptContext(builder.read("context"));
    const [body, next, over] = [builder.newBlock(), builder.newBlock(), builder.newBlock()];
    const index = indexOf(l, s, builder.read("loop.from"), builder.parameter(0));
    const right = builder.read("loop.to");
    builder.branch({ op: "slt", width: 64, left: index, right, then: body, otherwise: over, at: s.at });
    builder.seal(body);
    builder.switchTo(body);
    l.writeLocal(s.local, { kind: "scalar", value: index }, s.at);
    l.setTarget(s.label, { leave: over, next });
    lowerStatements(l, s.body);
    if (!builder.terminated) builder.jump(next, s.at);
    this.#end(l, frame, next, 0);
    this.#end(l, frame, over, 1);
    outer.subprograms.push(builder.finish());
    return name;
  }

  /** bpf_loop goes on after a 0 and stops after a 1. */
  #end(l: Lowering, frame: Reference, block: ReturnType<FunctionBuilder["newBlock"]>, result: 0 | 1): void {
    const at = this.#statement.at;
    l.builder.seal(block);
    l.builder.switchTo(block);
    this.#writeBack(l, frame);
    l.builder.return(l.constant(result, at), at);
  }

  #writeBack(l: Lowering, frame: Reference): void {
    blurCarried(l, this.#statement);
    const cells = new Map(this.#written.map((variable) => [variable, this.#cells.get(variable)!]));
    writeCells(l, frame, cells, this.#statement.at);
  }

  #escape(l: Lowering, frame: Reference, escape: Escape, verdict: Value | undefined): void {
    const at = this.#statement.at;
    this.escapes.push(escape);
    // The way out may come from a helper that moved the packet and failed. To the verifier another round may follow
    // any ending, so what it finds in the cells must still be the packet's bounds.
    if (beginEpochVariables.some((variable) => this.#written.includes(variable))) readBounds(l, at);
    this.#writeBack(l, frame);
    l.store(frame, 8, l.constant(this.escapes.length, at), at, this.#cells.get("loop.ending")!);
    if (verdict !== undefined) l.store(frame, 8, verdict, at, this.#cells.get("loop.verdict")!);
    l.builder.return(l.constant(1, at), at);
  }
}
