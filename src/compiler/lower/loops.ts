import { mostRounds } from "../hir/loop-forms.ts";
import type { Expression, ForStatement } from "../hir/tree.ts";
import type { Block, Value } from "../ir/ir.ts";
import { blurAccumulators, blurCarried, blurLocals, blurWritten } from "./blur.ts";
import { lowerCallbackLoop } from "./callback-loop.ts";
import { lowerScalar } from "./expressions.ts";
import type { Lowering } from "./lowering.ts";
import { askedReferences } from "./scan.ts";
import { lowerStatements } from "./statements.ts";

/**
 * Beyond so many rounds the verifier must not tell them apart by what the body gave known values: four flags in 64
 * rounds were more than a million instructions.
 */
const fewRounds = 4n;

/** Lowers `for (local = from; local < to; local += step)`. */
export function lowerFor(l: Lowering, s: ForStatement): void {
  if (l.tripsOf(s) === 0n) lowerEnds(l, s);
  else if (l.loopForms.isPlain(s)) lowerPlain(l, s);
  else lowerLong(l, s);
}

/**
 * All of a loop that has no round. A verifier that sees no round in a `bpf_loop` does not look at its callback, and the
 * kernel then misses it ("No program to jit", jit_subprogs in kernel/bpf/verifier.c).
 */
function lowerEnds(l: Lowering, s: ForStatement): void {
  for (const end of [s.from, s.to]) lowerScalar(l, end);
}

function lowerPlain(l: Lowering, s: ForStatement): void {
  const { builder } = l;
  const trips = l.tripsOf(s) ?? mostRounds;
  const known = trips > fewRounds ? l.known.givenIn(s.body, s.label) : [];
  blurLocals(l, known, s.at);
  if (trips > fewRounds) blurWritten(l, s);
  const unsigned = nonNegative(l, s);
  const from = lowerEnd(l, s.from, "low", unsigned);
  const to = lowerEnd(l, s.to, "high", unsigned);
  const header = builder.newBlock();
  const body = builder.newBlock();
  const next = builder.newBlock();
  const after = builder.newBlock();
  l.writeLocal(s.local, { kind: "scalar", value: from }, s.at);
  builder.jump(header, s.at);
  builder.switchTo(header);
  const index = l.builder.read(l.variableOf(s.local));
  const op = unsigned ? "ult" : "slt";
  builder.branch({ op, width: 64, left: index, right: to, then: body, otherwise: after, at: s.at });
  builder.seal(body);
  builder.switchTo(body);
  lowerBody(l, s, after, next);
  if (!builder.terminated) builder.jump(next, s.at);
  builder.seal(next);
  builder.switchTo(next);
  blurLocals(l, known, s.at);
  const current = builder.read(l.variableOf(s.local));
  const advanced = builder.binary("add", 64, current, l.constant(s.step, s.at), s.at);
  l.writeLocal(s.local, { kind: "scalar", value: advanced }, s.at);
  builder.jump(header, s.at);
  builder.seal(header);
  builder.seal(after);
  builder.switchTo(after);
}

/**
 * Where a plain loop begins or ends, shown to the verifier, which may see more rounds in it than the checker does: it
 * knows nothing of a quotient.
 */
function lowerEnd(l: Lowering, end: Expression, side: "low" | "high", unsigned: boolean): Value {
  const value = lowerScalar(l, end);
  const range = l.range(end);
  if (!range) return value;
  if (range.low === range.high) return l.constant(range.low, end.at);
  const compare = side === "low" ? "ge" : "le";
  l.require(`${unsigned ? "u" : "s"}${compare}`, value, range[side], end.at);
  return value;
}

function lowerLong(l: Lowering, s: ForStatement): void {
  const trips = l.tripsOf(s) ?? mostRounds;
  blurAccumulators(l, s);
  if (l.options.longLoops === "callback") lowerCallbackLoop(l, s, trips);
  else lowerIterator(l, s, trips);
}

/**
 * An open-coded iterator. The index is computed from the iterator's number and not carried from round to round: a
 * carried counter is a known constant in each round, so no two rounds would look alike to the verifier and it would
 * walk all of them.
 *
 * The verifier leaves an iterator before it walks its body. Where it comes there once more in another loop, what
 * differs and has not decided on anything yet is any number to it (widen_imprecise_scalars), and the body would not
 * know which references are there: they decide on something, a jump that leads nowhere else, before it is left.
 */
function lowerIterator(l: Lowering, s: ForStatement, trips: bigint): void {
  const { builder } = l;
  const from = lowerScalar(l, s.from);
  const to = lowerScalar(l, s.to);
  const iterator = l.newSlot({ kind: "bytes", length: 8 }, 8, s.at).base;
  builder.callKfunc("bpf_iter_num_new", [iterator, l.constant(0, s.at), l.constant(trips, s.at)], s.at);
  const [header, round, body, after] = [builder.newBlock(), builder.newBlock(), builder.newBlock(), builder.newBlock()];
  const release = (): void => {
    builder.callKfunc("bpf_iter_num_destroy", [iterator], s.at);
  };
  builder.jump(header, s.at);
  builder.switchTo(header);
  const pointer = builder.callKfunc("bpf_iter_num_next", [iterator], s.at);
  if (l.isInLoop) for (const local of askedReferences(s.body, l.routine)) l.rememberPresence(local, s.at);
  l.branchNonZero(pointer, round, after, s.at);
  builder.seal(round);
  builder.switchTo(round);
  const count = builder.load({ size: 4, signed: false, base: pointer, offset: 0, region: "unknown", at: s.at });
  const index = indexOf(l, s, from, count);
  const op = nonNegative(l, s) ? "ult" : "slt";
  builder.branch({ op, width: 64, left: index, right: to, then: body, otherwise: after, at: s.at });
  builder.seal(body);
  builder.switchTo(body);
  l.writeLocal(s.local, { kind: "scalar", value: index }, s.at);
  const turn = builder.newBlock();
  l.protect(release, () => lowerBody(l, s, after, turn));
  if (!builder.terminated) builder.jump(turn, s.at);
  builder.seal(turn);
  builder.switchTo(turn);
  blurCarried(l, s);
  builder.jump(header, s.at);
  builder.seal(header);
  builder.seal(after);
  builder.switchTo(after);
  release();
}

/** from + count * step */
export function indexOf(l: Lowering, s: ForStatement, from: Value, count: Value): Value {
  const { builder } = l;
  const scaled = s.step === 1 ? count : builder.binary("mul", 64, count, l.constant(s.step, s.at), s.at);
  return builder.binary("add", 64, from, scaled, s.at);
}

function lowerBody(l: Lowering, s: ForStatement, leave: Block, next: Block): void {
  l.setTarget(s.label, { leave, next });
  l.inLoop(() => lowerStatements(l, s.body));
}

function nonNegative(l: Lowering, s: ForStatement): boolean {
  const from = l.range(s.from);
  const to = l.range(s.to);
  return from !== undefined && to !== undefined && from.low >= 0n && to.low >= 0n;
}
