import type { Expression, ForStatement, Statement } from "../hir/tree.ts";
import { walk } from "../hir/walk.ts";
import type { Block, Value } from "../ir/ir.ts";
import { blurAccumulators, blurCarried, blurLocals, blurWritten } from "./blur.ts";
import { lowerCallbackLoop } from "./callback-loop.ts";
import { lowerScalar } from "./expressions.ts";
import type { Lowering } from "./lowering.ts";
import { roundsOfWalk } from "./match.ts";
import { loopsIn, nodesIn, operationsNamed } from "./scan.ts";
import { lowerStatements } from "./statements.ts";

/**
 * Up to this many rounds the verifier walks a plain loop round by round; beyond it the walk itself becomes what limits
 * a program (one million processed instructions), so the loop is made in a form that it checks once.
 */
export const longestPlainLoop = 64n;

/** And up to so many nodes in all of its rounds. An iterator costs some nanoseconds a round, which is little there. */
const mostNodesInRounds = 4096n;

/**
 * And up to so many rounds of walks over rules, one after the other. The verifier takes about 130 instructions for
 * each, and that for every state that it meets the walk in: ten rounds around two walks of 32 steps behind a few
 * branches were 650,000. As an iterator they are 80,000, at 10 ns more for each round of the loop. Each step also
 * leaves it a way that it has yet to follow, of which it keeps 8,192 (BPF_COMPLEXITY_LIMIT_JMP_SEQ).
 */
const mostRoundsOfWalks = 512n;

/**
 * Beyond one of these it must not tell rounds apart by what they count. Two loops of sixty rounds that count three
 * things about a byte were more than a million instructions with known counts, and are 22,000 without; sixteen rounds
 * of one walk that count its finds 585,000 and 59,000. Hiding a count is three instructions on the way into the loop.
 */
const fewNodesInRounds = 1024n;
const fewRoundsOfWalks = 128n;

/** Nor beyond so many rounds by what it gave known values: four flags in 64 rounds were more than a million, too. */
const fewRounds = 4n;

/** Lowers `for (local = from; local < to; local += step)`. */
export function lowerFor(l: Lowering, s: ForStatement): void {
  if (isLong(l, s)) lowerLong(l, s);
  else lowerPlain(l, s);
}

/**
 * A loop around a long one is long itself: at each round of the inner one the verifier forgets scalars that it takes
 * for imprecise (widen_imprecise_scalars), a plain counter among them, and then sees a loop without end. A tail call
 * cannot leave an open iterator or a callback, so such a loop is walked round by round.
 */
function isLong(l: Lowering, s: ForStatement): boolean {
  if (operationsNamed(s.body, "program.tailCall").length > 0) return false;
  const trips = tripBound(l, s);
  if (trips === undefined || trips > longestPlainLoop) return true;
  if (l.options.longLoops === "iterator" && trips * inAllRounds(l, s.body, nodesIn) > mostNodesInRounds) return true;
  if (trips * roundsOfWalks(l, s.body) > mostRoundsOfWalks) return true;
  return loopsIn(s.body).some((inner) => isLong(l, inner));
}

function needsBlur(l: Lowering, s: ForStatement): boolean {
  const trips = tripBound(l, s) ?? mostRounds;
  if (trips * inAllRounds(l, s.body, nodesIn) > fewNodesInRounds) return true;
  return trips * roundsOfWalks(l, s.body) > fewRoundsOfWalks;
}

/** What there is of something in a body where the verifier walks the loops in it round by round. */
function inAllRounds(l: Lowering, body: readonly Statement[], countIn: (body: readonly Statement[]) => number): bigint {
  const inner = loopsIn(body);
  const direct = inner.filter((loop) => !inner.some((other) => other !== loop && loopsIn(other.body).includes(loop)));
  let count = BigInt(countIn(body));
  for (const loop of direct) {
    const trips = tripBound(l, loop) ?? mostRounds;
    count += trips * inAllRounds(l, loop.body, countIn) - BigInt(countIn(loop.body));
  }
  return count;
}

/** Rounds of walks over rules. */
function roundsOfWalks(l: Lowering, body: readonly Statement[]): bigint {
  return inAllRounds(l, body, (part) => {
    let rounds = 0;
    walk(part, (node) => {
      if (node.kind === "match") rounds += roundsOfWalk(l, node.setting);
    });
    return rounds;
  });
}

function tripBound(l: Lowering, s: ForStatement): bigint | undefined {
  const from = l.range(s.from);
  const to = l.range(s.to);
  if (!from || !to) return undefined;
  const span = to.high - from.low;
  return span <= 0n ? 0n : (span + BigInt(s.step) - 1n) / BigInt(s.step);
}

function lowerPlain(l: Lowering, s: ForStatement): void {
  const { builder } = l;
  const trips = tripBound(l, s) ?? mostRounds;
  const known = trips > fewRounds ? l.known.givenIn(s.body, s.label) : [];
  if (needsBlur(l, s)) blurCarried(l, s);
  else blurLocals(l, known, s.at);
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

/** The most rounds of a loop of unproven length: what `bpf_loop` allows (kernel/bpf/bpf_iter.c, BPF_MAX_LOOPS). */
const mostRounds = 1n << 23n;

function lowerLong(l: Lowering, s: ForStatement): void {
  const trips = tripBound(l, s) ?? mostRounds;
  blurAccumulators(l, s);
  if (l.options.longLoops === "callback") lowerCallbackLoop(l, s, trips);
  else lowerIterator(l, s, trips);
}

/**
 * An open-coded iterator. The index is computed from the iterator's number and not carried from round to round: a
 * carried counter is a known constant in each round, so no two rounds would look alike to the verifier and it would
 * walk all of them.
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
